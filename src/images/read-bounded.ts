import { IntegrityError } from "../errors.ts";
import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";

/** What of a store is needed here (ports/store.ts). */
interface Blobs {
  readBlob(digest: Digest): AsyncIterable<Uint8Array>;
}

/**
 * A blob in memory: at most as many bytes as its descriptor says, and never more than `most`. Whoever wrote the descriptor may have
 * lied: an IntegrityError ends the read there.
 */
export async function readBounded(
  store: Blobs,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  most: number,
): Promise<Buffer> {
  const bytes = (count: number) => `${count.toLocaleString("en-US")} bytes`;
  if (size > most)
    throw new IntegrityError(
      `The blob ${digest} is said to have ${bytes(size)}: at most ${bytes(most)} are read of its kind.`,
    );
  const pieces: Uint8Array[] = [];
  let read = 0;
  for await (const piece of store.readBlob(digest)) {
    read += piece.length;
    if (read > size)
      throw new IntegrityError(`The blob ${digest} is longer than the ${bytes(size)} said of it.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
