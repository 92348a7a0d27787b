import type { IncomingMessage, ServerResponse } from "node:http";

export interface BodyChange {
  /** The bytes to send in place of those at the offset `at` of the body. */
  chunk(bytes: Buffer, at: number): Buffer;
  readonly tail?: Buffer;
  /** The Content-Length to send; undefined: none. */
  length?(whole: number): number | undefined;
}

/** Changes the body of a response as it is written. */
export function changeBody(
  response: ServerResponse,
  { chunk, tail, length = (whole) => whole }: BodyChange,
): void {
  const writeHead = response.writeHead.bind(response);
  const write = response.write.bind(response);
  const end = response.end.bind(response);
  response.writeHead = ((status: number, ...rest: unknown[]) => {
    const headers = rest.find((value) => typeof value === "object") ?? {};
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const whole = response.getHeader("content-length");
    const sent = whole === undefined ? undefined : length(Number(whole));
    response.removeHeader("content-length");
    if (sent !== undefined) response.setHeader("content-length", sent);
    return writeHead(status);
  }) as typeof response.writeHead;
  let at = 0;
  tapWrites(response, {
    onWrite: (bytes, done) => {
      const changed = chunk(bytes, at);
      at += bytes.length;
      return write(changed, done);
    },
    onEnd: () => {
      if (tail !== undefined && response.req.method !== "HEAD") write(tail);
      end();
    },
  });
}

/** Stops a response's body after so many bytes; calls `then` once they are written. */
export function cutBody(response: ServerResponse, after: number, then: () => void): void {
  const write = response.write.bind(response);
  const end = response.end.bind(response);
  let sent = 0;
  let cut = false;
  const onWrite = (bytes: Buffer, done?: () => void): boolean => {
    if (cut) return false;
    const part = bytes.subarray(0, after - sent);
    sent += part.length;
    if (sent < after) return write(part, done);
    cut = true;
    response.flushHeaders();
    write(part, then);
    return false;
  };
  tapWrites(response, {
    onWrite,
    onEnd: () => {
      if (after === 0) onWrite(Buffer.alloc(0));
      if (!cut) end();
    },
  });
}

interface Taps {
  onWrite(bytes: Buffer, done?: () => void): boolean;
  onEnd(): void;
}

/** Leads every byte that a handler writes to a response past these taps, whatever form it used. */
function tapWrites(response: ServerResponse, { onWrite, onEnd }: Taps): void {
  type Argument = BufferEncoding | (() => void) | undefined;
  const callback = (rest: Argument[]) => rest.find((value) => typeof value === "function");
  const buffer = (chunk: string | Uint8Array, rest: Argument[]) => {
    const encoding = rest.find((value) => typeof value === "string");
    return typeof chunk === "string" ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
  };
  response.write = ((chunk: string | Uint8Array, ...rest: Argument[]) =>
    onWrite(buffer(chunk, rest), callback(rest))) as typeof response.write;
  response.end = ((chunk?: string | Uint8Array | (() => void), ...rest: Argument[]) => {
    const done = typeof chunk === "function" ? chunk : callback(rest);
    if (done !== undefined) response.once("finish", done);
    if (chunk !== undefined && chunk !== null && typeof chunk !== "function") {
      const bytes = buffer(chunk, rest);
      const known = response.hasHeader("content-length") || response.hasHeader("transfer-encoding");
      if (!response.headersSent && !known) response.setHeader("content-length", bytes.length);
      onWrite(bytes);
    }
    onEnd();
    return response;
  }) as typeof response.end;
}

/** Stops a request's body after so many bytes; calls `then` once the handler has read them. */
export function cutUpload(request: IncomingMessage, after: number, then: () => void): void {
  const push = request.push.bind(request);
  let taken = 0;
  let cut = false;
  const whenRead = () => {
    if (request.readableLength === 0 || request.destroyed) then();
    else setTimeout(whenRead, 1);
  };
  request.push = (bytes: Buffer | null) => {
    if (cut) return false;
    if (bytes === null) return push(null);
    const part = bytes.subarray(0, after - taken);
    taken += part.length;
    if (taken < after) return push(part);
    cut = true;
    if (part.length > 0) push(part);
    setImmediate(whenRead);
    return false;
  };
}
