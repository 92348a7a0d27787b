import type { Digest } from "./digest.ts";

/** A blob that can be read again from any byte: what a store takes in. The same bytes must come each time. */
export interface BlobSource {
  /** For messages and progress, such as `clip-vit-l-14/model.safetensors`. */
  readonly name: string;
  /** Bytes in all. */
  readonly size: number;
  /** Absent where only the bytes can tell (a layer of an open lock). */
  readonly digest?: Digest;
  /** Bytes from `from` to the end. Throws what makes the bytes unfit (an IntegrityError), and then nothing may be kept of them. */
  open(from: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/** A small blob that is in memory. */
export function blobOf(name: string, bytes: Uint8Array, digest: Digest): BlobSource {
  return {
    name,
    size: bytes.length,
    digest,
    async *open(from) {
      yield bytes.subarray(from);
    },
  };
}
