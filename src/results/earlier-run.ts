import { join } from "node:path";
import type { z } from "zod";
import { UsageError } from "../errors.ts";
import type { Files } from "../ports/files.ts";
import { readResult } from "./folder.ts";
import {
  acceptResult,
  assembleResult,
  buildResult,
  modelsResult,
  prepareResult,
  promoteResult,
  scanResult,
} from "./stages.ts";

type Shape = z.ZodType<{ readonly [field: string]: unknown }>;

const perRun: Readonly<Record<string, Shape>> = {
  prepare: prepareResult,
  models: modelsResult,
  assemble: assembleResult,
  promote: promoteResult,
};
const perPlatform: Readonly<Record<string, Shape>> = {
  build: buildResult,
  scan: scanResult,
  accept: acceptResult,
};

/**
 * Names of the files and folders that an earlier run left in the results folder: results that say what a result says, and the layouts that
 * builds put there. A UsageError for a file that is named like one and is none, such as a models spec: its place would be taken.
 */
export async function earlierRun(
  folder: string,
  files: Pick<Files, "readdir" | "readFile">,
): Promise<readonly string[]> {
  const names = (await files.readdir(folder)).filter((name) => shapeOf(name) !== undefined);
  const layouts: string[] = [];
  for (const name of names) {
    const repository = await repositoryIn(name, folder, files);
    const [, layout] = /^oci:(runtime(?:-[a-z0-9-]+)?)$/.exec(String(repository)) ?? [];
    if (layout !== undefined && name.startsWith("build")) layouts.push(layout);
  }
  if (names.length > 0 && !names.includes("prepare.json"))
    throw foreign(`${join(folder, names[0] ?? "")} is there without the prepare.json of its run`);
  return [...names, ...layouts];
}

/** Where a result says that images are; throws for a file that is no result. */
async function repositoryIn(
  name: string,
  folder: string,
  files: Pick<Files, "readFile">,
): Promise<unknown> {
  const shape = shapeOf(name);
  if (shape === undefined) return undefined;
  try {
    return (await readResult(files, folder, name.slice(0, -".json".length), shape))?.["repository"];
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw foreign(`${join(folder, name)} is not what an earlier run left there`, cause);
  }
}

/** What a file must be to be a stage's result; undefined for a name that no stage gives. */
function shapeOf(name: string): Shape | undefined {
  const [, stage = "", more] = /^([a-z]+)(-.+)?\.json$/.exec(name) ?? [];
  if (Object.hasOwn(perPlatform, stage)) return perPlatform[stage];
  return more === undefined && Object.hasOwn(perRun, stage) ? perRun[stage] : undefined;
}

function foreign(what: string, cause?: UsageError): UsageError {
  return new UsageError(`results: ${what}.`, {
    cause,
    todo: "Nothing was changed. Give the run a folder of its own, or take the file away.",
  });
}
