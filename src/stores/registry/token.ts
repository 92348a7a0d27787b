import { RemoteError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Fetch, HttpRequest } from "../../ports/fetch.ts";
import type { Log } from "../../ports/log.ts";
import { persist } from "../../retry/persist.ts";
import { refusal } from "./answer.ts";
import type { Challenge } from "./challenge.ts";
import type { Credential } from "./docker-config.ts";
import { isPrivate } from "./origin.ts";

export interface Token {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

export interface TokenRequest {
  readonly challenge: Challenge;
  readonly scopes: readonly string[];
  readonly credential: Credential | undefined;
}

/** Asks the token server that a Bearer challenge names (distribution, "Token Authentication Specification"). */
export async function fetchToken(
  { challenge, scopes, credential }: TokenRequest,
  registry: URL,
  { fetch, clock, log }: { fetch: Fetch; clock: Clock; log: Log },
): Promise<Token> {
  const request = tokenRequest(challenge, scopes, credential, registry);
  const ask = async () => {
    const response = await fetch(request);
    if (response.status !== 200) throw await loginRefused(request, response, registry, credential);
    return parse(await response.text());
  };
  const body = await persist(ask, { clock, log });
  const value = body.token ?? body.access_token;
  if (typeof value !== "string" || value === "")
    throw new RemoteError(
      `${request.url.origin}${request.url.pathname}: the token server sent no token.`,
    );
  log.mask(value);
  const seconds = typeof body.expires_in === "number" ? Math.max(body.expires_in, 60) : 60;
  return { value, expires: clock.now() + seconds * 1000 };
}

function tokenRequest(
  { parameters }: Challenge,
  scopes: readonly string[],
  credential: Credential | undefined,
  registry: URL,
): HttpRequest {
  const url = realmOf(parameters["realm"], registry);
  if (credential !== undefined) mayCarrySecrets(url, registry);
  const service = parameters["service"];
  if (credential?.kind === "identity") {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: "director-image",
      refresh_token: credential.token,
      scope: scopes.join(" "),
      ...(service === undefined ? {} : { service }),
    });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return { method: "POST", url, headers, body: form.toString() };
  }
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (credential?.kind !== "password") return { method: "GET", url };
  url.searchParams.set("account", credential.username);
  return { method: "GET", url, headers: { authorization: basic(credential) } };
}

export function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function realmOf(realm: string | undefined, registry: URL): URL {
  const url = realm !== undefined && URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new RemoteError(
      `${registry.host} asks for a token but names no token server (realm "${realm ?? ""}").`,
    );
  }
  return url;
}

/** A password goes to a token server only over HTTPS or on loopback, and only if nobody could have changed who that is. */
function mayCarrySecrets(realm: URL, registry: URL): void {
  if (isPrivate(realm) && isPrivate(registry)) return;
  if (realm.hostname === registry.hostname && registry.protocol === "http:") return;
  throw new RemoteError(
    `${registry.host} names ${realm.origin} as its token server; the log-in was not sent there over plain HTTP.`,
  );
}

async function loginRefused(
  request: HttpRequest,
  response: Awaited<ReturnType<Fetch>>,
  registry: URL,
  credential: Credential | undefined,
): Promise<RemoteError> {
  const cause = await refusal(request, response);
  if (response.status !== 401 && response.status !== 403) return cause;
  const who = credential?.kind === "password" ? `the user "${credential.username}"` : "this log-in";
  const message =
    credential === undefined
      ? `${registry.host} wants a log-in for this.`
      : `${registry.host} does not accept ${who}.`;
  return new RemoteError(message, {
    cause,
    todo:
      registry.hostname === "ghcr.io" && credential !== undefined
        ? "Give the job `permissions: packages: write` (read, where it only pulls), and the package the repository's access; a token of a job that has ended is no good."
        : `Log in first: docker login ${registry.host}, or give a user name and password.`,
  });
}

function parse(text: string): { token?: unknown; access_token?: unknown; expires_in?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
