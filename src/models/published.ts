import { IntegrityError, UsageError } from "../errors.ts";
import type { Descriptor } from "../images/descriptor.ts";
import { isIndex, parseIndex, parseManifest } from "../images/manifest.ts";
import { readBounded } from "../images/read-bounded.ts";
import type { Store } from "../ports/store.ts";
import { lockTextOf } from "./layer-source.ts";
import { type CompleteLock, isComplete, type Lock } from "./lock.ts";
import { parseLock } from "./lock-parse.ts";
import { lockTag } from "./lock-text.ts";

/** A lock of ten thousand files is two megabytes. */
const largestLockLayer = 64 * 2 ** 20;

export type ReadableStore = Pick<Store, "name" | "readManifest" | "readBlob">;

/** The layers of an image that carries models: of the first platform where it is an index. Undefined if there is none. */
export async function imageLayers(
  store: ReadableStore,
  reference: string,
): Promise<readonly Descriptor[] | undefined> {
  const found = await store.readManifest(reference);
  if (found === undefined) return undefined;
  if (!isIndex(found)) return parseManifest(found).layers;
  const first = parseIndex(found).manifests[0];
  const manifest = first === undefined ? undefined : await store.readManifest(first.digest);
  return manifest === undefined ? undefined : parseManifest(manifest).layers;
}

/** The complete lock that an image carries in its last layer, under the given root. */
export async function publishedLock(
  store: ReadableStore,
  reference: string,
  root: string,
): Promise<CompleteLock | undefined> {
  const last = (await imageLayers(store, reference))?.at(-1);
  if (last === undefined || last.size > largestLockLayer) return undefined;
  const text = lockTextOf(root, await readBounded(store, last, largestLockLayer));
  if (text === undefined) return undefined;
  try {
    const lock = parseLock(text, `the lock of ${store.name}@${reference}`);
    return isComplete(lock) ? lock : undefined;
  } catch (cause) {
    if (cause instanceof UsageError)
      throw new IntegrityError(`${store.name}: the lock in the image ${reference} is not one.`, {
        cause,
      });
    throw cause;
  }
}

/** The lock completed from the models image under its own tag; undefined where that is not there or is of another lock. */
export async function completedFrom(
  store: ReadableStore,
  lock: Lock,
): Promise<CompleteLock | undefined> {
  const published = await publishedLock(store, lockTag(lock), lock.root);
  return published !== undefined && lockTag(published) === lockTag(lock)
    ? { ...lock, layers: published.layers }
    : undefined;
}
