import type { IncomingMessage, ServerResponse } from "node:http";
import { type BodyChange, changeBody, cutBody, cutUpload } from "./bodies.ts";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A way to go wrong: wraps the handler of one request. */
export type Deed = (next: Handler) => Handler;

/** Which requests go wrong, and how. What is left out matches everything. */
export interface Fault {
  readonly method?: string;
  /** A piece of the request's path and query, or a pattern for it. */
  readonly path?: string | RegExp;
  /** Which of the requests that match, counted from 1; all of them where left out. */
  readonly nth?: number | readonly number[];
  readonly does: Deed;
}

export interface Interceptor {
  (handler: Handler): Handler;
  /** The faults that a request has met, in order: a test sees that its fault took place. */
  readonly met: readonly Fault[];
}

/**
 * Makes a server go wrong by rule: `createServer(intercept(faults)(handler))`. The list is read at
 * each request, so a test may change it meanwhile. Several faults may meet one request: they wrap
 * one another, the first outermost.
 */
export function intercept(faults: readonly Fault[]): Interceptor {
  const seen = new Map<Fault, number>();
  const met: Fault[] = [];
  const meets = (fault: Fault, request: IncomingMessage): boolean => {
    if (!matches(fault, request)) return false;
    const count = (seen.get(fault) ?? 0) + 1;
    seen.set(fault, count);
    return fault.nth === undefined || [fault.nth].flat().includes(count);
  };
  const wrap = (handler: Handler): Handler => {
    return (request, response) => {
      const now = faults.filter((fault) => meets(fault, request));
      met.push(...now);
      now.reduceRight((next, fault) => fault.does(next), handler)(request, response);
    };
  };
  return Object.assign(wrap, { met });
}

function matches({ method, path }: Fault, request: IncomingMessage): boolean {
  const url = request.url ?? "";
  if (method !== undefined && method !== request.method) return false;
  if (path === undefined) return true;
  return typeof path === "string" ? url.includes(path) : path.test(url);
}

/** Answers in the handler's place; the request's body is read and dropped. */
export function answer(
  status: number,
  { headers = {}, body = "" }: { headers?: Record<string, string>; body?: string } = {},
): Deed {
  return () => (request, response) => {
    request.resume();
    response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers });
    response.end(request.method === "HEAD" ? undefined : body);
  };
}

/** Writes down what is asked, as `GET /v2/…`, and answers as before. */
export function noted(asked: string[]): Deed {
  return (next) => (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    next(request, response);
  };
}

/** Accepts the request and never says a word. */
export function silence(): Deed {
  return () => (request) => {
    request.resume();
  };
}

/** Lets the handler see the request only after a while. Place it after the faults of uploads. */
export function delay(milliseconds: number): Deed {
  return (next) => (request, response) => {
    const timer = setTimeout(() => next(request, response), milliseconds);
    response.once("close", () => clearTimeout(timer));
  };
}

/** Sends the first bytes of the response's body, then drops the connection. */
export function disconnectAfter(bytes: number): Deed {
  return (next) => (request, response) => {
    cutBody(response, bytes, () => request.socket.destroy());
    next(request, response);
  };
}

/** Sends the first bytes of the response's body, then nothing more, with the connection open. */
export function stallAfter(bytes: number): Deed {
  return (next) => (request, response) => {
    cutBody(response, bytes, () => {});
    next(request, response);
  };
}

/** Lets the handler read the first bytes of the request's body, then drops the connection. */
export function disconnectUploadAfter(bytes: number): Deed {
  return (next) => (request, response) => {
    cutUpload(request, bytes, () => request.socket.destroy());
    next(request, response);
  };
}

/** Lets the handler read the first bytes of the request's body, then reads no more. */
export function stallUploadAfter(bytes: number): Deed {
  return (next) => (request, response) => {
    cutUpload(request, bytes, () => {});
    next(request, response);
  };
}

/** Inverts the byte at this offset of the response's body (of a range: counted from its start). */
export function corruptAt(offset: number): Deed {
  return mapBody({
    chunk: (bytes, at) => {
      const index = offset - at;
      if (index < 0 || index >= bytes.length) return bytes;
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(index) ^ 0xff, index);
      return changed;
    },
  });
}

/**
 * Ends the response's body early and cleanly: Content-Length says what is sent, or is left out
 * (`chunked`). For a Content-Length that promises more than comes, see `disconnectAfter`.
 */
export function truncateTo(bytes: number, { chunked = false } = {}): Deed {
  return mapBody({
    chunk: (chunk, at) => chunk.subarray(0, Math.max(0, bytes - at)),
    length: (whole) => (chunked ? undefined : Math.min(whole, bytes)),
  });
}

/** Sends this many bytes too many, cleanly, as Content-Length (or the end of the chunks) says. */
export function extendBy(bytes: number, { chunked = false } = {}): Deed {
  return mapBody({
    chunk: (chunk) => chunk,
    tail: Buffer.alloc(bytes, "+"),
    length: (whole) => (chunked ? undefined : whole + bytes),
  });
}

function mapBody(change: BodyChange): Deed {
  return (next) => (request, response) => {
    changeBody(response, change);
    next(request, response);
  };
}
