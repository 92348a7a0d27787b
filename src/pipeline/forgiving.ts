import { explain, RemoteError } from "../errors.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";

/**
 * A store for a run that may not push: one that cannot be read (a package that is not there yet, a fork without rights, no network) counts as
 * empty, and that is said once.
 */
export function forgiving(store: Store, log: Pick<Log, "warning">): Store {
  let said = false;
  const orNothing = async <T>(asked: Promise<T | undefined>): Promise<T | undefined> => {
    try {
      return await asked;
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      if (!said)
        log.warning(
          `${store.name} cannot be read, so its layers count as missing: ${explain(error)}`,
        );
      said = true;
      return undefined;
    }
  };
  return {
    ...store,
    blobSize: (digest) => orNothing(store.blobSize(digest)),
    readManifest: (reference) => orNothing(store.readManifest(reference)),
    manifestDigest: (reference) => orNothing(store.manifestDigest(reference)),
  };
}
