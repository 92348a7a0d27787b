import { join } from "node:path";
import type { Facts } from "../config/facts.ts";
import { names } from "../images/names.ts";
import { isTag, parsePlace } from "../images/reference.ts";
import type { Lock } from "../models/lock.ts";
import { parseLock } from "../models/lock-parse.ts";
import { lockTag } from "../models/lock-text.ts";
import type { AssembleResult, BuildResult, PrepareResult, Results } from "../results/stages.ts";
import { assembleImage } from "./assemble-image.ts";
import { runtimePlace } from "./build.ts";
import { delivered } from "./delivery.ts";
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
      ...modelsOf(lock, plan, results),
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

/** What the image carries of the models, and the labels that say so. */
function modelsOf(lock: Lock | undefined, plan: PrepareResult, { models }: Results) {
  if (lock === undefined)
    return { root: "/models", models: [], weights: [], lock: undefined, labels: plan.labels };
  const carried = delivered(lock, plan.models.delivery);
  if (models?.digest === undefined) return { ...carried, labels: plan.labels };
  const place = labelPlace(plan.models.repository);
  const lowest =
    carried.models.length === 0
      ? {}
      : { [names.lowest.name]: `${place}:${lockTag(lock)}`, [names.lowest.digest]: models.digest };
  return {
    ...carried,
    labels: { ...plan.labels, ...lowest, [names.models]: `${place}@${models.digest}` },
  };
}

/** A layout's folder differs from machine to machine and is no place to pull from: it is not written into the image. */
function labelPlace(repository: string): string {
  return repository.startsWith("oci:") ? "layout" : repository;
}

/** The lock with its layers, as the stage models left it in the results folder. */
async function completedLock(
  folder: string,
  files: Pick<Ports["files"], "readFile">,
): Promise<Lock> {
  const path = join(folder, "models.lock.json");
  return parseLock(await files.readFile(path, "utf8"), path);
}
