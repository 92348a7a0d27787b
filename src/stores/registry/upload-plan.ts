/** GHCR answers 416 to a larger PATCH with a range, so this is what a chunk is unless the registry asks for more. */
const usualChunk = 4 * 1024 * 1024;

/** A request that failed after this long is taken to have met a limit of time (GHCR: ten minutes). */
const longRequest = 540_000;

/**
 * The byte at which an upload can go on, from the `Range` of its status (`0-N`) and the bytes sent so far; undefined: it must
 * begin anew. `0-0` is also what a registry says that has nothing.
 */
export function resumeAt(range: string | undefined, sent: number): number | undefined {
  const match = /^(?:bytes=)?0-(\d+)$/.exec(range?.trim() ?? "");
  const next = match === null ? 0 : Number(match[1]) + 1;
  return next > 1 && next <= sent ? next : undefined;
}

/** Bytes a PATCH: undefined means one PATCH without a range for all that is left. */
export function chunkSize({
  asked,
  least,
  timedOut,
}: {
  /** By the caller. */
  readonly asked: number | undefined;
  /** The registry's `OCI-Chunk-Min-Length`. */
  readonly least: number | undefined;
  readonly timedOut: boolean;
}): number | undefined {
  if (asked === undefined && least === undefined && !timedOut) return undefined;
  return Math.max(asked ?? usualChunk, least ?? 0);
}

/** Whether a failed request met a limit of time, so that smaller ones may pass. */
export function metTimeLimit({
  status,
  code,
  milliseconds,
}: {
  /** The answer's, where there was one. */
  readonly status: number | undefined;
  /** The network failure's, where there was none. */
  readonly code: string | undefined;
  readonly milliseconds: number;
}): boolean {
  if (milliseconds >= longRequest) return true;
  if (status !== undefined) return [408, 504, 524].includes(status);
  return code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT";
}
