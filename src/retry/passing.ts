import { isError, RemoteError } from "../errors.ts";

/** How often something is tried before it counts as failed. */
export const attempts = 5;

/** The longest wait that the other side may ask for, in milliseconds. */
const longestWait = 600_000;

/** A failure that may pass by itself: a busy host, an upload that a registry forgot. */
export class PassingError extends RemoteError {
  /** Milliseconds that the other side asks for. */
  readonly wait: number | undefined;

  constructor(
    message: string,
    { wait, ...options }: { wait?: number | undefined; todo?: string; cause?: unknown } = {},
  ) {
    super(message, options);
    this.wait = wait;
  }
}

/** Whether an answer says "not now" rather than "no". */
export function isBusy(status: number): boolean {
  return [408, 425, 429, 500, 502, 503, 504].includes(status);
}

/** Codes of what stays as it is: hosts that are not there, certificates and versions of TLS that do not fit, requests that cannot be made. */
const lasting = [
  /^(ENOTFOUND|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/,
  /^(ERR_TLS_|UND_ERR_PRX_TLS|UND_ERR_INVALID_ARG|ERR_SSL_.*(VERSION|PROTOCOL|HANDSHAKE_FAILURE|CERTIFICATE|UNKNOWN_CA))/,
];

/** Whether a failure is worth another try: a connection that broke is, a host or a certificate that is wrong is not. */
export function isPassing(error: unknown): boolean {
  if (error instanceof PassingError) return error.wait === undefined || error.wait <= longestWait;
  if (!(error instanceof RemoteError) || !isError(error.cause)) return false;
  const code = error.cause.code;
  return code !== undefined && !lasting.some((codes) => codes.test(code));
}

/**
 * Milliseconds to wait before a try (the second is number 2): 2^n seconds give or take a quarter, or what the other
 * side asks for.
 */
export function waitBefore(attempt: number, error: unknown, random: number): number {
  const asked = error instanceof PassingError ? error.wait : undefined;
  return Math.max(asked ?? 0, 2 ** (attempt - 1) * 1000 * (0.75 + random / 2));
}

/** Milliseconds that a `Retry-After` header asks for (RFC 9110, 10.2.3: seconds or a date); undefined if it says nothing. */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined || header.trim() === "") return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
