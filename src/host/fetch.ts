import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { isError, RemoteError } from "../errors.ts";
import type { Fetch, HttpResponse } from "../ports/fetch.ts";
import { dispatcherFor, type NetworkSettings } from "./dispatcher.ts";

const defaultIdle = 120_000;

/** HTTP over undici, with keep-alive, the given proxies and certificates, which are looked at when the first request is made. */
export function httpFetch(settings: NetworkSettings = {}): Fetch {
  let dispatcher: Dispatcher | undefined;
  return async ({ method, url, headers = {}, body, signal, idleTimeout = defaultIdle }) => {
    dispatcher ??= dispatcherFor(settings);
    try {
      const response = await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { "user-agent": "director-image", ...headers },
        body:
          body === undefined || typeof body === "string" || body instanceof Uint8Array
            ? (body ?? null)
            : Readable.from(body, { objectMode: false }),
        signal: signal ?? null,
        headersTimeout: idleTimeout,
        bodyTimeout: idleTimeout,
        reset: false,
      });
      return answer(response, url);
    } catch (cause) {
      throw failure(cause, method, url, signal);
    }
  };
}

function answer({ statusCode, headers, body }: Dispatcher.ResponseData, url: URL): HttpResponse {
  return {
    status: statusCode,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name.toLowerCase(),
        Array.isArray(value) ? value.join(", ") : (value ?? ""),
      ]),
    ),
    body: watched(body, url),
    text: () => body.text(),
    discard: () => body.dump(),
  };
}

async function* watched(body: AsyncIterable<Uint8Array>, url: URL): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw failure(cause, "GET", url, undefined);
  }
}

/** Keeps errors that came from our own streams and signals; everything else is the network's. */
function failure(
  cause: unknown,
  method: string,
  url: URL,
  signal: AbortSignal | undefined,
): unknown {
  if (signal?.aborted) return signal.reason;
  if (!isError(cause) || !isNetworkError(cause)) return cause;
  return new RemoteError(`${method} ${url.origin}${url.pathname}: ${reason(cause)}`, { cause });
}

function isNetworkError(error: Error): boolean {
  return (
    "code" in error &&
    typeof error.code === "string" &&
    /^(UND_ERR|E[A-Z]+$|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|HPE_)/.test(error.code)
  );
}

function reason(error: Error & { code?: string }): string {
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nobody answers there (connection refused).",
    ENOTFOUND: "there is no such host.",
    ECONNRESET: "the connection broke.",
    UND_ERR_SOCKET: "the connection broke.",
    UND_ERR_BODY_TIMEOUT: "the other side fell silent.",
    UND_ERR_HEADERS_TIMEOUT: "the other side did not answer in time.",
    UND_ERR_CONNECT_TIMEOUT: "the connection could not be made in time.",
  };
  return known[error.code ?? ""] ?? error.message;
}
