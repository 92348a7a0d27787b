import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { rootCertificates } from "node:tls";
import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici";
import { isError, RemoteError } from "../errors.ts";
import type { Fetch, HttpResponse } from "../ports/fetch.ts";

/** What the usual variables say about the network: proxies, and certificates to trust beside the built-in ones. */
export interface NetworkSettings {
  readonly httpProxy?: string | undefined;
  readonly httpsProxy?: string | undefined;
  readonly noProxy?: string | undefined;
  /** A PEM file. */
  readonly extraCertificates?: string | undefined;
}

const defaultIdle = 120_000;

/** HTTP over undici, with keep-alive, the given proxies and certificates. Loopback is never asked through a proxy. */
export function httpFetch(settings: NetworkSettings = {}): Fetch {
  const dispatcher = dispatcherFor(settings);
  return async ({ method, url, headers = {}, body, signal, idleTimeout = defaultIdle }) => {
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

function dispatcherFor({
  httpProxy,
  httpsProxy,
  noProxy,
  extraCertificates,
}: NetworkSettings): Dispatcher {
  const ca =
    extraCertificates === undefined
      ? {}
      : { ca: [...rootCertificates, readFileSync(extraCertificates, "utf8")] };
  const common = { connect: { timeout: 30_000, ...ca }, keepAliveTimeout: 30_000, allowH2: false };
  if (httpProxy === undefined && httpsProxy === undefined) return new Agent(common);
  const direct = ["localhost", "127.0.0.1", "::1", noProxy]
    .filter((entry) => entry !== undefined && entry !== "")
    .join(",");
  return new EnvHttpProxyAgent({
    ...common,
    requestTls: ca,
    noProxy: direct,
    proxyTunnel: false,
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...(httpsProxy === undefined ? {} : { httpsProxy }),
  });
}
