import { join } from "node:path";
import type { Facts } from "../config/facts.ts";
import { names } from "../images/names.ts";
import { isTag, parsePlace } from "../images/reference.ts";
import type { Lock } from "../models/lock.ts";
import { parseLock } from "../models/lock-parse.ts";
import type { AssembleResult, BuildResult, PrepareResult } from "../results/stages.ts";
import { assembleImage } from "./assemble-image.ts";
import { runtimePlace } from "./build.ts";
import { carried } from "./carried.ts";
import { needed } from "./needed.ts";
import { loginOf } from "./open.ts";
import type { Ports } from "./ports.ts";
import type { Stage } from "./stage.ts";

/** Puts the weights below the runtime of every platform, at the plan's target. */
export async function assembleStage(
  { config, facts, results }: Stage,
  { files, open, log, signal }: Ports,
): Promise<AssembleResult> {
  const plan = needed(results, "prepare");
  const login = loginOf(config);
  const lock = plan.models.lock === "" ? undefined : await completedLock(config.results, files);
  const target = open(parsePlace(plan.target), { login });
  return assembleImage(
    {
      runtimes: results.build.flatMap((build) =>
        build.platforms.map((entry) => ({
          ...entry,
          labels: baseLabels(entry),
          store: open(runtimePlace(build, config), { login }),
        })),
      ),
      platforms: plan.platforms.map(({ platform }) => platform),
      ...carried(lock, {
        delivery: plan.models.delivery,
        labels: plan.labels,
        image: { repository: plan.models.repository, digest: results.models?.digest },
      }),
      created: plan.source.created,
      annotations: plan.annotations,
      manifestAnnotations: plan.manifestAnnotations,
      published: plan.push ? publishedTags(plan, facts) : [],
      mayLackModels: !plan.push,
    },
    {
      weights: lock === undefined ? target : open(parsePlace(plan.models.repository), { login }),
      target,
      log,
      signal,
    },
  );
}

/** Where images that people have may be: a release or a pull request has a tag of its own, and its layers from the branch it came from. */
export function publishedTags(
  { tags }: Pick<PrepareResult, "tags">,
  { defaultBranch }: Pick<Facts, "defaultBranch">,
): readonly string[] {
  return [...new Set([...tags, "latest", defaultBranch])].filter(isTag);
}

/** The labels that name what a runtime stands on (design: "The final image"); none where the build could not tell. */
export function baseLabels({
  base,
}: Pick<BuildResult["platforms"][number], "base">): Readonly<Record<string, string>> {
  if (base === undefined) return {};
  return {
    [names.base.name]: base.name,
    ...(base.digest === undefined ? {} : { [names.base.digest]: base.digest }),
  };
}

/** The lock with its layers, as the stage models left it in the results folder. */
export async function completedLock(
  folder: string,
  files: Pick<Ports["files"], "readFile">,
): Promise<Lock> {
  const path = join(folder, "models.lock.json");
  return parseLock(await files.readFile(path, "utf8"), path);
}
