import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { RemoteError } from "../errors.ts";
import type { Fetch, HttpRequest, HttpResponse } from "../ports/fetch.ts";
import { dispatcherFor, type NetworkSettings } from "./dispatcher.ts";
import { named, networkError } from "./network-error.ts";

const defaultIdle = 120_000;

/** What is read as one text: the lists of a hub and of a registry are the longest. */
const longestText = 32 * 2 ** 20;

/** HTTP over undici, with keep-alive, the given proxies and certificates, which are looked at when the first request is made. */
export function httpFetch(settings: NetworkSettings = {}): Fetch {
  let dispatcher: Dispatcher | undefined;
  return async (request) => {
    const { method, url, headers = {}, body, signal, idleTimeout = defaultIdle } = request;
    dispatcher ??= dispatcherFor(settings);
    const own: unknown[] = [];
    /** Keeps errors that came from our own streams and signals; everything else is the network's. */
    const failure = (cause: unknown): unknown => {
      if (signal?.aborted) return signal.reason;
      return own.length > 0 ? own[0] : networkError(cause, request);
    };
    try {
      const response = await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { "user-agent": "director-image", ...headers },
        body: sendable(body, own),
        signal: signal ?? null,
        headersTimeout: idleTimeout,
        bodyTimeout: idleTimeout,
        reset: false,
      });
      return answer(response, request, failure);
    } catch (cause) {
      throw failure(cause);
    }
  };
}

/** The body as undici takes it; what goes wrong with a stream of ours is noted. */
function sendable(
  body: HttpRequest["body"],
  own: unknown[],
): string | Uint8Array | Readable | null {
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array)
    return body ?? null;
  const noted = watched(body, (cause) => {
    own.push(cause);
    return cause;
  });
  return Readable.from(noted, { objectMode: false });
}

function answer(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  request: HttpRequest,
  failure: (cause: unknown) => unknown,
): HttpResponse {
  const pieces = watched(body, failure);
  return {
    status: statusCode,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name.toLowerCase(),
        Array.isArray(value) ? value.join(", ") : (value ?? ""),
      ]),
    ),
    body: pieces,
    text: () => textOf(pieces, request),
    discard: () => body.dump(),
  };
}

/** The same pieces; an error of theirs is replaced, one that their reader throws in is not. */
async function* watched(
  pieces: AsyncIterable<Uint8Array>,
  failure: (cause: unknown) => unknown,
): AsyncIterable<Uint8Array> {
  let waiting = true;
  try {
    for await (const piece of pieces) {
      waiting = false;
      yield piece;
      waiting = true;
    }
  } catch (cause) {
    throw waiting ? failure(cause) : cause;
  }
}

async function textOf(body: AsyncIterable<Uint8Array>, request: HttpRequest): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    pieces.push(piece);
    size += piece.length;
    if (size > longestText)
      throw new RemoteError(`${named(request)}: the answer is longer than 32 MiB.`);
  }
  return new TextDecoder().decode(Buffer.concat(pieces));
}
