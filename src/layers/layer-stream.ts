import type { LayerFile, Layout } from "./layer.ts";

/** Opens a file's content at a byte; gives exactly the rest of it or throws. */
export type OpenFile<F> = (
  file: F,
  from: number,
  signal?: AbortSignal,
) => AsyncIterable<Uint8Array>;

/** The bytes of a layer from `from` to its end. What lies before is not read: the stream begins in the file that holds that byte. */
export async function* layerStream<F extends LayerFile>(
  { segments }: Layout<F>,
  open: OpenFile<F>,
  from = 0,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (const segment of segments) {
    if (segment.at + segment.size <= from) continue;
    const skipped = Math.max(0, from - segment.at);
    signal?.throwIfAborted();
    if ("bytes" in segment) yield segment.bytes.subarray(skipped);
    else yield* open(segment.file, skipped, signal);
  }
}
