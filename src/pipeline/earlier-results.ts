import type { Config } from "../config/config.ts";
import type { StageName } from "../config/input.ts";
import { type Platform, platformsInName } from "../images/platform.ts";
import type { BuildResult, PrepareResult, Results } from "../results/stages.ts";

/** Whose results a stage reads, beside the plan: others may be gigabytes (the layout of a runtime that was not pushed). */
const predecessors: Readonly<Record<StageName, readonly StageName[]>> = {
  prepare: [],
  models: [],
  build: [],
  scan: ["build"],
  assemble: ["models", "build"],
  accept: ["models", "assemble"],
  promote: ["models", "build", "assemble", "scan", "accept"],
  report: ["models", "build", "scan", "assemble", "accept", "promote"],
};

/** What a result is called among the run's artifacts: `director-image-build-linux-amd64`. */
export function artifactName(result: string): string {
  return `director-image-${result}`;
}

/** Tells of an artifact whether a stage reads it, given the plan and what its job has already. Pure. */
export function readBy(
  stage: StageName,
  { platforms }: Pick<Config, "platforms">,
  { prepare: plan, build }: Pick<Results, "prepare" | "build">,
): (artifact: string) => boolean {
  if (plan === undefined) return () => false;
  const before = [...predecessors[stage]];
  // What the image stands on, which it must name; where nothing is pushed, gigabytes come with it.
  if (stage === "accept" && plan.push) before.push("build");
  const planned = plan.platforms.map(({ platform }) => platform);
  const built = build.filter((one) => isOf(plan, one)).flatMap((one) => one.platforms);
  const lacking = planned
    .filter((platform) => stage !== "scan" || platforms.includes(platform))
    .filter((platform) => !built.some((one) => one.platform === platform));
  return (artifact) =>
    before.some((name) =>
      name === "build" ? holds(artifact, lacking) : isResult(artifact, artifactName(name)),
    );
}

/** Whether a build was made by this plan, in this job; a folder that outlives its job may have one of an earlier run. */
function isOf({ finished: planned }: PrepareResult, { finished }: BuildResult): boolean {
  return planned !== undefined && finished !== undefined && finished >= planned;
}

/** Whether an artifact is a build of one of the platforms; one that names no platform is of all. */
function holds(artifact: string, platforms: readonly Platform[]): boolean {
  const build = artifactName("build");
  return (
    isResult(artifact, build) &&
    platforms.some(
      (platform) =>
        artifact === build || `${artifact}-`.includes(`-${platformsInName([platform])}-`),
    )
  );
}

function isResult(artifact: string, name: string): boolean {
  return artifact === name || artifact.startsWith(`${name}-`);
}
