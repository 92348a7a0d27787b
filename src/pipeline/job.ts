import type { Config } from "../config/config.ts";
import { UsageError } from "../errors.ts";
import { type Platform, platformsInName } from "../images/platform.ts";
import type { PrepareResult } from "../results/stages.ts";

type Job = Pick<Config, "platforms">;
type Plan = Pick<PrepareResult, "platforms">;

/** The plan's platforms that a job was asked for, in the plan's order. A UsageError if there are none. */
export function jobPlatforms({ platforms }: Job, plan: Plan): readonly Platform[] {
  const planned = plan.platforms.map(({ platform }) => platform);
  const wanted = planned.filter((platform) => platforms.includes(platform));
  if (wanted.length > 0) return wanted;
  throw new UsageError(
    `platforms: ${platforms.join(", ")} is not among those of the plan (${planned.join(", ")}).`,
    { todo: "Give prepare all platforms, and each build one or more of them." },
  );
}

/** What a job leaves in the results folder bears its platforms where it did not do them all: `build-linux-amd64`, `runtime-linux-amd64`. */
export function jobName(
  what: "build" | "scan" | "accept" | "runtime",
  job: Job,
  plan: Plan,
): string {
  const platforms = jobPlatforms(job, plan);
  return platforms.length === plan.platforms.length
    ? what
    : `${what}-${platformsInName(platforms)}`;
}

/** The bills of materials of a platform's image, in the results folder. */
export function sbomFiles(platform: Platform): readonly [cycloneDx: string, spdx: string] {
  const name = `sbom-${platformsInName([platform])}`;
  return [`${name}.cdx.json`, `${name}.spdx.json`];
}

/** What the image is called in bills of materials and statements: a layout's folder means nothing elsewhere. */
export function nameOf({ image }: Pick<PrepareResult, "image">): string {
  return image.startsWith("oci:") ? "director" : image;
}
