import { isKnown } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import { parseManifest } from "../images/manifest.ts";
import type { Platform } from "../images/platform.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { BuildResult } from "../results/stages.ts";

interface Wanted {
  /** What builds of earlier runs left. */
  readonly earlier: readonly BuildResult[];
  readonly platforms: readonly Platform[];
  /** Where the runtime shall be in the end. */
  readonly repository: string;
}

interface Ports {
  /** Builds without writing anything; BuildKit's own digest of the result. */
  readonly native: () => Promise<Digest>;
  readonly storeOf: (built: BuildResult) => Store;
  readonly log: Pick<Log, "info" | "debug">;
}

/**
 * Rewriting times makes BuildKit compress every layer anew at each export, minutes for gigabytes. So where the builder has the very image
 * that an earlier run exported, and that is still there, the earlier result stands; else it is made, and remembered by that digest.
 */
export async function remembered(
  make: () => Promise<BuildResult>,
  wanted: Wanted,
  { native, storeOf, log }: Ports,
): Promise<BuildResult> {
  const before = wanted.earlier.find((built) => isWanted(built, wanted));
  if (before?.native !== undefined && (await holds(before, storeOf(before)))) {
    if ((await native()) === before.native) {
      log.info("Nothing changed: the runtime of the run before stands.");
      return { ...before, cached: true };
    }
  }
  const made = await make();
  try {
    return { ...made, native: await native() };
  } catch (error) {
    if (!isKnown(error)) throw error;
    log.debug(`This builder does not tell what it has: ${error.message}`);
    return made;
  }
}

function isWanted({ repository, platforms }: BuildResult, wanted: Wanted): boolean {
  const names = platforms.map(({ platform }) => platform);
  return repository === wanted.repository && names.join() === wanted.platforms.join();
}

/** Whether everything of a result is where it says. */
async function holds({ platforms, indexes }: BuildResult, store: Store): Promise<boolean> {
  for (const digest of [...indexes, ...platforms.map((entry) => entry.digest)])
    if ((await store.manifestDigest(digest)) === undefined) return false;
  for (const { digest } of platforms) {
    const manifest = await store.readManifest(digest);
    if (manifest === undefined) return false;
    const { config, layers } = parseManifest(manifest);
    const sizes = await Promise.all([config, ...layers].map((blob) => store.blobSize(blob.digest)));
    if (sizes.includes(undefined)) return false;
  }
  return true;
}
