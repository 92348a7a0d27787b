import { CheckError } from "../errors.ts";
import type { Document } from "../images/manifest.ts";
import { type Lock, lockName } from "../models/lock.ts";
import { lockFileDigest } from "../models/lock-text.ts";
import type { Store } from "../ports/store.ts";
import type { AssembleResult, BuildResult } from "../results/stages.ts";
import { readFinalImage } from "./verify/final-image.ts";

/** A runtime that a candidate was made from, as its build left it. */
export interface BuiltRuntime {
  readonly built: BuildResult["platforms"][number];
  readonly build: BuildResult;
}

/** The builds of the very runtimes that a candidate was made from, in its order; a CheckError where one is of another build, or missing. */
export function runtimesOf(
  { digest: candidate, platforms }: Pick<AssembleResult, "digest" | "platforms">,
  builds: readonly BuildResult[],
): readonly BuiltRuntime[] {
  const all = builds.flatMap((build) => build.platforms.map((built) => ({ built, build })));
  return platforms.map(({ platform, runtimeDigest }) => {
    const own = all.filter(({ built }) => built.platform === platform);
    const found = own.find(({ built }) => built.digest === runtimeDigest);
    if (found !== undefined) return found;
    const seen = own.map(({ built }) => built.digest).join(", ");
    throw new CheckError(
      `${candidate} was made from the runtime ${runtimeDigest} for ${platform}, but the results folder ${seen === "" ? "has no build for that platform" : `has the build of ${seen}`}: its provenance would not be true.`,
      {
        todo: "Promote with the results of the run that assembled it (build.json, assemble.json), or run the stages assemble, scan and accept again. For a runtime that was not built here: provenance: false.",
      },
    );
  });
}

/** A CheckError unless every platform of a candidate carries this very lock; none, where it is undefined. */
export async function carriesLock(
  candidate: Document,
  lock: Lock | undefined,
  store: Store,
): Promise<void> {
  const wanted = lock && lockFileDigest(lock);
  const { platforms } = await readFinalImage(candidate, {}, store);
  for (const { platform, lock: own } of platforms) {
    const seen = own && lockFileDigest(own);
    if (seen !== wanted)
      throw new CheckError(
        `${candidate.digest} carries ${seen === undefined ? "no lock" : `the lock ${seen}`} for ${platform}, but ${wanted === undefined ? "prepare.json names none" : `${lockName} in the results folder is ${wanted}`}: its provenance would not be true.`,
        {
          todo: `Promote with the results of the run that assembled it (${lockName}), or run the stages assemble, scan and accept again.`,
        },
      );
  }
}
