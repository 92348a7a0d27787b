import type { Descriptor } from "../images/descriptor.ts";
import type { PutBlobOptions, Store } from "../ports/store.ts";
import { eachLimited } from "../retry/each-limited.ts";

/** Blobs on the way at the same time. */
const sideBySide = 4;

export interface CopyBlobsOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes of all blobs that the target has by now. */
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Send them even if the target says that it has them. */
  readonly force?: boolean;
}

/** Brings blobs from store to store, several at a time: one HEAD for one that is there, else a mount or a stream. Returns the bytes sent. */
export async function copyBlobs(
  blobs: readonly Descriptor[],
  from: Store,
  to: Store,
  { signal, onProgress, force = false }: CopyBlobsOptions = {},
): Promise<number> {
  const unique = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  const largestFirst = unique.sort((a, b) => b.size - a.size);
  const done = new Map<string, number>();
  const report = (blob: Descriptor) => (bytes: number) => {
    done.set(blob.digest, bytes);
    onProgress?.([...done.values()].reduce((sum, part) => sum + part, 0));
  };
  const copy = async (blob: Descriptor, stop: AbortSignal) => {
    const progress = report(blob);
    const bytes = await copyBlob(blob, from, to, { signal: stop, onProgress: progress, force });
    progress(blob.size);
    return bytes;
  };
  const sent = await eachLimited(largestFirst, sideBySide, copy, signal);
  return sent.reduce((sum, bytes) => sum + bytes, 0);
}

async function copyBlob(
  { digest, size }: Descriptor,
  from: Store,
  to: Store,
  { signal, onProgress, force }: CopyBlobsOptions,
): Promise<number> {
  if (!force && (await to.blobSize(digest)) === size) return 0;
  if (!force && from.name !== to.name && (await to.mountBlob(digest, from.name))) return 0;
  const name = `${from.name}@${digest}`;
  const open = (at: number, stop?: AbortSignal) => from.readBlob(digest, at, stop);
  const options: PutBlobOptions = {
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
  return (await to.putBlob({ name, size, digest, open }, options)).bytesSent;
}
