import { join } from "node:path";
import type { z } from "zod";
import { UsageError } from "../errors.ts";
import type { Files } from "../ports/files.ts";
import { replaceFile } from "../replace-file.ts";
import { parseDocument } from "./shape.ts";

/** The results folder: `<stage>.json`, or `build-linux-amd64.json` where one platform ran alone. */
export async function writeResult(
  files: Pick<Files, "mkdir" | "writeFile" | "rename" | "rm">,
  folder: string,
  name: string,
  result: object,
): Promise<string> {
  await makeFolder(folder, files);
  const path = join(folder, `${name}.json`);
  await replaceFile(path, `${JSON.stringify(result, null, 2)}\n`, files);
  return path;
}

/** Makes the results folder where it is missing; a UsageError where there cannot be one. */
export async function makeFolder(folder: string, { mkdir }: Pick<Files, "mkdir">): Promise<void> {
  await mkdir(folder, { recursive: true }).catch(notAFolder(folder));
}

/** Reads one result; undefined where the stage has not run. A UsageError names what is wrong in the file. */
export async function readResult<T>(
  files: Pick<Files, "readFile">,
  folder: string,
  name: string,
  shape: z.ZodType<T>,
): Promise<T | undefined> {
  const path = join(folder, `${name}.json`);
  let text: string;
  try {
    text = await files.readFile(path, "utf8");
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException;
    if (error.code === "ENOENT") return undefined;
    return notAFolder(folder)(error);
  }
  return parseDocument(
    shape,
    text,
    path,
    `It is written by the stage ${name.split("-")[0]}: run that stage again.`,
  );
}

/** Reads every `<stage>.json` and `<stage>-*.json`, in the order of their names. */
export async function readResults<T>(
  files: Pick<Files, "readdir" | "readFile">,
  folder: string,
  stage: string,
  shape: z.ZodType<T>,
): Promise<readonly T[]> {
  const all = await files.readdir(folder).catch((error) => {
    if (error.code === "ENOENT") return [] as string[];
    return notAFolder(folder)(error);
  });
  const names = all.filter(
    (name) => name === `${stage}.json` || (name.startsWith(`${stage}-`) && name.endsWith(".json")),
  );
  const results = await Promise.all(
    names.sort().map((name) => readResult(files, folder, name.slice(0, -".json".length), shape)),
  );
  return results.filter((result) => result !== undefined);
}

/** What is thrown where a folder of that name cannot be: a UsageError where it, or what it lies in, is a file or a link that leads nowhere. */
function notAFolder(folder: string): (error: NodeJS.ErrnoException) => never {
  return (cause) => {
    if (!["ENOTDIR", "EEXIST", "ENOENT"].includes(cause.code ?? "")) throw cause;
    throw new UsageError(`results: ${folder} is not a folder.`, { cause });
  };
}
