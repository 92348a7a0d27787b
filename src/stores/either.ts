import type { Store } from "../ports/store.ts";

/** A store whose blobs may also be read from another one, where it lacks them: an image whose weights lie elsewhere. */
export function either(store: Store, other: Store): Store {
  return {
    ...store,
    blobSize: async (digest) => (await store.blobSize(digest)) ?? other.blobSize(digest),
    readBlob: async function* (digest, from, signal) {
      const has = (await store.blobSize(digest)) !== undefined;
      yield* (has ? store : other).readBlob(digest, from, signal);
    },
  };
}
