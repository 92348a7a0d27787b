import type { IncomingMessage, ServerResponse } from "node:http";

/** A request as it came to one of the hub's servers, and what was sent for it so far. */
export interface HubRequest {
  readonly server: "hub" | "cdn";
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  /** 0 until there is an answer. */
  readonly status: number;
  /** Bytes of the answer's body that were given to the connection. */
  readonly bytesSent: number;
}

/** Watches a request; call it before anything else touches the response. */
export function observe(
  server: HubRequest["server"],
  request: IncomingMessage,
  response: ServerResponse,
): HubRequest {
  const { write, end } = response;
  let bytesSent = 0;
  const count = (chunk: unknown) => {
    if (typeof chunk === "string") bytesSent += Buffer.byteLength(chunk);
    else if (chunk instanceof Uint8Array) bytesSent += chunk.length;
  };
  response.write = ((...args: unknown[]) => {
    count(args[0]);
    return Reflect.apply(write, response, args);
  }) as typeof write;
  response.end = ((...args: unknown[]) => {
    count(args[0]);
    return Reflect.apply(end, response, args);
  }) as typeof end;
  return {
    server,
    method: request.method ?? "",
    url: request.url ?? "",
    headers: request.headers,
    get status() {
      return response.headersSent ? response.statusCode : 0;
    },
    get bytesSent() {
      return bytesSent;
    },
  };
}
