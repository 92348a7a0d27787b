import type { Store } from "../ports/store.ts";

export interface Noted {
  readonly store: Store;
  /** The first thing that a read threw: whoever reads through a server hears only that it failed. */
  failure(): unknown;
}

/** A store that is read by others, with what went wrong meanwhile. */
export function noting(store: Store): Noted {
  const failures: unknown[] = [];
  const noted = <T>(work: Promise<T>) =>
    work.catch((error: unknown) => {
      failures.push(error);
      throw error;
    });
  return {
    failure: () => failures[0],
    store: {
      ...store,
      readManifest: (reference) => noted(store.readManifest(reference)),
      blobSize: (digest) => noted(store.blobSize(digest)),
      readBlob: async function* (digest, from, signal) {
        try {
          yield* store.readBlob(digest, from, signal);
        } catch (error) {
          if (signal?.aborted !== true) failures.push(error);
          throw error;
        }
      },
    },
  };
}
