import { createHash } from "node:crypto";
import type { BlobSource } from "../images/blob.ts";
import type { Digest } from "../images/digest.ts";

/** Reads a blob whole and throws it away: its digest and size. `onProgress` is told the bytes read so far. */
export async function streamDigest(
  source: Pick<BlobSource, "open">,
  onProgress: (done: number) => void,
  signal?: AbortSignal,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const piece of source.open(0, signal)) {
    hash.update(piece);
    size += piece.length;
    onProgress(size);
  }
  return { digest: `sha256:${hash.digest("hex")}`, size };
}
