import type { Config, RunnerLabels } from "../config/config.ts";
import type { Facts } from "../config/facts.ts";
import { UsageError } from "../errors.ts";
import { type Platform, parsePlatform } from "../images/platform.ts";
import type { PrepareResult } from "../results/stages.ts";

/** Labels that GitHub itself serves; others are somebody's own machines, or cost money. */
const hosted = /^ubuntu-(latest|\d{2}\.\d{2})(-arm)?$/;

export interface PlannedRunners {
  readonly platforms: PrepareResult["platforms"];
  readonly gpu: NonNullable<PrepareResult["gpu"]>;
  /** What was planned otherwise than was asked for: sentences for a person. */
  readonly notes: readonly string[];
}

/**
 * Who runs what, where each stage has a job of its own. A stranger's pull request never comes to a runner that is not GitHub's. Pure; a
 * UsageError for a platform without a runner, which GitHub would let wait for a day.
 */
export function plannedRunners(
  { platforms, runners, gpuRunner }: Pick<Config, "platforms" | "runners" | "gpuRunner">,
  { untrusted }: Pick<Facts, "untrusted">,
): PlannedRunners {
  const notes: string[] = [];
  const planned = platforms.map((platform) => {
    const asked = runners?.[platform];
    if (runners !== undefined && asked === undefined) throw noRunner(platform, runners);
    if (asked === undefined || untrusted === undefined || isHosted(asked))
      return { platform, runner: labelText(asked) };
    const instead = hostedFor(platform);
    notes.push(
      `${platform} is built on ${instead}: a pull request by ${untrusted} never runs on ${labelText(asked)}.`,
    );
    return { platform, runner: instead };
  });
  return { platforms: planned, gpu: gpuOf(gpuRunner, untrusted), notes };
}

function gpuOf(asked: RunnerLabels | undefined, untrusted: string | undefined) {
  if (asked === undefined) return { runner: "", reason: "no gpu-runner" };
  if (untrusted !== undefined)
    return { runner: "", reason: `a pull request by ${untrusted} never runs on gpu-runner` };
  return { runner: labelText(asked) };
}

/** A label as it is, several as JSON; empty where there is none. */
function labelText(labels: RunnerLabels | undefined): string {
  if (labels === undefined) return "";
  return typeof labels === "string" ? labels : JSON.stringify(labels);
}

function isHosted(labels: RunnerLabels): boolean {
  return [labels].flat().every((label) => hosted.test(label));
}

function hostedFor(platform: Platform): string {
  return /^arm/.test(parsePlatform(platform).architecture) ? "ubuntu-24.04-arm" : "ubuntu-24.04";
}

function noRunner(platform: Platform, runners: object): UsageError {
  const known = Object.keys(runners).join(", ") || "none";
  return new UsageError(
    `runners: ${platform} is to be built, and no runner is named for it (there is one for: ${known}).`,
    {
      todo: `Add it to the input runners ({"${platform}":"${hostedFor(platform)}"}), or leave it out of platforms.`,
    },
  );
}
