/**
 * One HTTP exchange. Redirects are not followed (the caller decides which header goes to which host), nothing is retried and no
 * status is an error. A connection that fails or stalls is a RemoteError.
 */
export type Fetch = (request: HttpRequest) => Promise<HttpResponse>;

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is sent with back-pressure; give `content-length` where it is known. */
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  /** Longest silence of the other side, in milliseconds, before the headers and between two pieces of the body; 120,000 by default. */
  readonly idleTimeout?: number;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** Can be read once. A body that is not read must be discarded. */
  readonly body: AsyncIterable<Uint8Array>;
  text(): Promise<string>;
  discard(): Promise<void>;
}
