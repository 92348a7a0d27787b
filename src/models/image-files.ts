import { IntegrityError, isKnown, RemoteError, UsageError } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import { layoutOf } from "./layer-source.ts";
import { filesOf, type Lock } from "./lock.ts";
import { layersOf, type PlannedLayer } from "./pack.ts";
import { imageLayers, publishedLock, type ReadableStore } from "./published.ts";
import type { Place } from "./sources/place.ts";

/** An image that carries models: a models image, or a final one. */
export interface ModelsImageAt {
  readonly store: ReadableStore;
  /** Tag or digest. */
  readonly reference: string;
}

/** The layers of an image that hold files of the lock, by the lock's own list or by the one that the image carries. */
export async function layersIn(
  lock: Lock,
  { store, reference }: ModelsImageAt,
): Promise<readonly PlannedLayer[]> {
  const found = await imageLayers(store, reference);
  if (found === undefined) throw new UsageError(`There is no image ${reference} in ${store.name}.`);
  const there = new Set<Digest>(found.map(({ digest }) => digest));
  const holds = (layers: readonly PlannedLayer[]) =>
    layers.every(({ digest }) => digest !== undefined && there.has(digest));
  const own = lock.layers === undefined ? undefined : layersOf(lock.models, lock.layers);
  if (own !== undefined && holds(own)) return own;
  const published = await publishedLock(store, reference, lock.root);
  if (published !== undefined)
    return layersOf(published.models, published.layers).filter((layer) => holds([layer]));
  return (own ?? []).filter((layer) => holds([layer]));
}

/** Where each file of the lock is in an image; an IntegrityError names a file that the image has not, or has otherwise. */
export async function imagePlaces(
  lock: Lock,
  image: ModelsImageAt,
): Promise<ReadonlyMap<string, Place>> {
  const { store, reference } = image;
  const places = new Map<string, Place & { readonly sha256: string }>();
  for (const { digest, files } of await layersIn(lock, image)) {
    for (const segment of layoutOf(lock.root, files).segments) {
      if (!("file" in segment) || digest === undefined) continue;
      const { id, file } = segment.file.member;
      const place = layerPlace(store, digest, { at: segment.at, size: file.size });
      places.set(id, { ...place, sha256: file.sha256 });
    }
  }
  for (const { id, file } of filesOf(lock.models)) {
    const place = places.get(id);
    if (place?.sha256 === file.sha256 || (place === undefined && file.size === 0)) continue;
    const seen = place === undefined ? "is not in" : `is another one (sha256 ${place.sha256}) in`;
    throw new IntegrityError(
      `${id}: the file of the lock (sha256 ${file.sha256}) ${seen} the image ${reference} of ${store.name}.`,
      { todo: "Give the image that was made from this lock, or leave --image out." },
    );
  }
  return places;
}

/** A piece of a layer as a place for the file that it is. */
function layerPlace(
  store: ReadableStore,
  digest: Digest,
  { at, size }: { at: number; size: number },
): Place {
  return {
    name: `the layer ${digest} of ${store.name}`,
    open: async (from, signal) => cut(store.readBlob(digest, at + from, signal), size - from),
  };
}

async function* cut(bytes: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let left = size;
  if (left === 0) return;
  try {
    for await (const piece of bytes) {
      yield piece.subarray(0, left);
      left -= piece.length;
      if (left <= 0) return;
    }
  } catch (error) {
    // The store has asked again as often as it wants to: another five rounds would not help.
    if (!isKnown(error) || !(error instanceof RemoteError)) throw error;
    throw new RemoteError(error.message);
  }
}
