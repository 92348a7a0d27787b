import { RemoteError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Fetch, HttpResponse } from "../ports/fetch.ts";
import type { Log } from "../ports/log.ts";
import { isBusy, PassingError, retryAfter } from "../retry/passing.ts";
import { persist } from "../retry/persist.ts";
import { plain } from "./text.ts";

export interface ApiPorts {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly log: Pick<Log, "info">;
  readonly signal: AbortSignal;
}

/** GitHub's REST API and who asks: GITHUB_API_URL, which on a server of one's own ends in `/api/v3`. */
export interface Api {
  readonly url: URL;
  readonly token: string;
}

export interface ApiCall {
  readonly method: "GET" | "POST";
  /** Below the API's address. */
  readonly path: string;
  readonly body?: string;
}

export interface ApiAnswer {
  readonly status: number;
  /** The JSON's fields; none where the body is no object. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** GitHub's words, fit for one line. */
  readonly said: string;
}

/** A scan waits no longer than this for a rate limit to pass. */
const longestWait = 180_000;

/** What GitHub's documentation asks for where a secondary rate limit gives no time. */
const secondaryWait = 60_000;

const mostRedirects = 3;

/**
 * One call, repeated while GitHub is busy or limits the rate: five tries at most, each after three minutes at most. Other answers are the
 * caller's to judge. A redirect is followed on the API's own host only, so neither token nor findings go anywhere else.
 */
export async function callApi(call: ApiCall, api: Api, ports: ApiPorts): Promise<ApiAnswer> {
  const once = async () => {
    const response = await redirected(call, api, ports);
    const answer = answerOf(response.status, await response.text());
    const wait = waitFor(response, answer, ports.clock.now());
    if (wait === undefined) return answer;
    const message = `${call.method} ${call.path}: GitHub is busy (HTTP ${answer.status}, ${answer.said}).`;
    if (wait.milliseconds !== undefined && wait.milliseconds > longestWait)
      throw new RemoteError(
        `${message} It asks for ${Math.ceil(wait.milliseconds / 1000)}s, which is too long to wait.`,
      );
    throw new PassingError(message, { wait: wait.milliseconds });
  };
  return await persist(once, ports, { signal: ports.signal });
}

async function redirected(
  { method, path, body }: ApiCall,
  { url: base, token }: Api,
  { fetch, signal }: ApiPorts,
): Promise<HttpResponse> {
  let url = new URL(`${base.href.replace(/\/+$/, "")}/${path}`);
  for (let hops = 0; hops <= mostRedirects; hops++) {
    const response = await fetch({
      ...{ method, url, signal },
      ...(body === undefined ? {} : { body }),
      headers: {
        accept: "application/vnd.github+json",
        "x-github-api-version": "2022-11-28",
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
    });
    if (![301, 302, 307, 308].includes(response.status)) return response;
    await response.discard();
    const { location = "" } = response.headers;
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (next?.origin !== base.origin)
      throw new RemoteError(
        `${method} ${path}: ${base.host} points to ${next?.host ?? `"${plain(location, 100)}"`}. Nothing was sent there.`,
      );
    url = next;
  }
  throw new RemoteError(
    `${method} ${path}: ${base.host} redirects more than ${mostRedirects} times.`,
  );
}

function answerOf(status: number, text: string): ApiAnswer {
  const fields = fieldsOf(text);
  const { message } = fields;
  const words = typeof message === "string" && message.trim() !== "" ? message : text;
  return { status, fields, said: plain(words, 300) || "no words" };
}

function fieldsOf(text: string): ApiAnswer["fields"] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Whether to ask again, and when; GitHub's documentation, "Rate limits for the REST API": a 403 can be a limit, too. */
function waitFor(
  { status, headers }: Pick<HttpResponse, "status" | "headers">,
  { said }: ApiAnswer,
  now: number,
): { readonly milliseconds: number | undefined } | undefined {
  const asked = retryAfter(headers["retry-after"], now);
  if (status === 403 || status === 429) {
    const isSpent = headers["x-ratelimit-remaining"] === "0";
    const reset = Number(headers["x-ratelimit-reset"]);
    if (asked !== undefined) return { milliseconds: asked };
    if (isSpent && reset > 0) return { milliseconds: Math.max(0, reset * 1000 - now) };
    if (status === 429 || /rate limit/i.test(said)) return { milliseconds: secondaryWait };
    return undefined;
  }
  return isBusy(status) ? { milliseconds: asked } : undefined;
}
