import { RemoteError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Fetch, HttpRequest } from "../ports/fetch.ts";
import type { Log } from "../ports/log.ts";
import { persistentFetch } from "../retry/persistent-fetch.ts";

export interface SigningPorts {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "mask">;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined where the body is no JSON. */
  readonly json: unknown;
  /** The other side's words, fit for one line. */
  readonly said: string;
}

/** One call for JSON, again while the other side is busy. No redirect is followed: what is sent goes to that host, or nowhere. */
export async function exchange(
  request: Pick<HttpRequest, "method" | "url" | "headers" | "body">,
  ports: SigningPorts,
): Promise<Answer> {
  const { signal } = ports;
  const response = await persistentFetch(
    ports.fetch,
    ports,
  )({
    ...request,
    headers: { accept: "application/json", ...request.headers },
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  const said = text.replace(/[\p{C}\s]+/gu, " ").trim();
  return {
    status: response.status,
    headers: response.headers,
    json: parsed(text),
    said: said.length > 300 ? `${said.slice(0, 300)}…` : said,
  };
}

/** The error for an answer that is not what was wanted; the query is left out, as it may be long or secret. */
export function unwanted(
  who: string,
  url: URL,
  { status, said }: Answer,
  todo: string,
): RemoteError {
  return new RemoteError(
    `${who} at ${url.origin}${url.pathname} answered ${status}${said === "" ? "." : ` (${said}).`}`,
    { todo },
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
