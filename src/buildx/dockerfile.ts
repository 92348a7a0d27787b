import { join, resolve } from "node:path";
import { UsageError } from "../errors.ts";
import type { Files } from "../ports/files.ts";

/** Which Dockerfile is built from where. Paths are absolute; a context may also be an address that BuildKit fetches. */
export interface Source {
  readonly file: string;
  readonly context: string;
  readonly contexts: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  /** What the Dockerfile names; unknown where BuildKit fetches it. */
  readonly declared?: { readonly stages: readonly string[]; readonly args: readonly string[] };
}

export interface SourceRequest {
  /** The folder that relative paths start from. */
  readonly workspace: string;
  readonly context: string;
  readonly file: string;
  readonly target: string | undefined;
  readonly contexts: Readonly<Record<string, string>>;
  /** What is built where the workspace has no `Dockerfile.director`: the action's own, with its own named contexts. */
  readonly own: Omit<Source, "target" | "declared">;
}

/** The name that may be missing: then the action's own Dockerfile is built. */
const defaultFile = "Dockerfile.director";

/** Finds the Dockerfile and its stage. A file, context or stage that is not there is a UsageError that names the input. */
export async function findSource(
  request: SourceRequest,
  files: Pick<Files, "stat" | "readFile">,
): Promise<Source> {
  const { workspace, context, contexts, target } = request;
  if (isRemote(context)) return { file: request.file, context, contexts, target };
  const folder = resolve(workspace, context);
  if (!(await isThere(folder, "isDirectory", files)))
    throw new UsageError(`context: "${context}" is not a folder (looked at ${folder}).`);
  const file = await findFile(request, folder, files);
  const found =
    file === undefined
      ? { ...request.own, contexts: { ...request.own.contexts, ...contexts } }
      : { file, context: folder, contexts: absolute(contexts, workspace) };
  const text = await files.readFile(found.file, "utf8");
  return {
    ...found,
    target: chooseTarget(text, target),
    declared: { stages: stagesOf(text), args: argumentsOf(text) },
  };
}

async function findFile(
  { workspace, file }: SourceRequest,
  folder: string,
  files: Pick<Files, "stat">,
): Promise<string | undefined> {
  for (const path of [resolve(workspace, file), join(folder, file)])
    if (await isThere(path, "isFile", files)) return path;
  if (file === defaultFile) return undefined;
  throw new UsageError(`file: there is no Dockerfile "${file}" (looked in ${workspace}).`, {
    todo: `Without the input file, a workspace that has no ${defaultFile} gets the action's own.`,
  });
}

/** The stage to build: the one that was asked for, else `runtime` where there is one, else the last. */
export function chooseTarget(text: string, target: string | undefined): string | undefined {
  const stages = stagesOf(text);
  if (target === undefined) return stages.includes("runtime") ? "runtime" : undefined;
  if (/^\d+$/.test(target) || stages.includes(target.toLowerCase())) return target;
  throw new UsageError(`target: the Dockerfile has no stage "${target}".`, {
    todo: `It has: ${stages.join(", ") || "none with a name"}.`,
  });
}

/** Names of the stages of a Dockerfile, in lower case. */
export function stagesOf(text: string): readonly string[] {
  return [...logical(text).matchAll(/^\s*FROM\s+.*?\s+AS\s+(\S+)\s*$/gim)].map((match) =>
    (match[1] ?? "").toLowerCase(),
  );
}

/** Names of the build arguments that a Dockerfile declares, in whichever stage. */
export function argumentsOf(text: string): readonly string[] {
  return [...logical(text).matchAll(/^\s*ARG\s+(.+)$/gim)].flatMap((match) =>
    [...(match[1] ?? "").matchAll(/(?:^|\s)([A-Za-z_]\w*)(?==|\s|$)/g)].map(
      ([, name]) => name ?? "",
    ),
  );
}

/** A Dockerfile without its comments, each instruction on one line. */
function logical(text: string): string {
  return text.replace(/^\s*#.*$/gm, "").replace(/\\[ \t]*\r?\n/g, " ");
}

/** Whether BuildKit fetches the context itself: a Git repository or an archive. */
function isRemote(context: string): boolean {
  return /^(https?|git|ssh):\/\/|^git@|^github\.com\//.test(context);
}

/** A named context is a folder unless it has a scheme (`docker-image://`, `oci-layout://`, `target:`, an address). */
function absolute(
  contexts: Readonly<Record<string, string>>,
  workspace: string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(contexts).map(([name, place]) => [
      name,
      /^(docker-image|oci-layout):|^target:/.test(place) || isRemote(place)
        ? place
        : resolve(workspace, place),
    ]),
  );
}

async function isThere(
  path: string,
  kind: "isFile" | "isDirectory",
  files: Pick<Files, "stat">,
): Promise<boolean> {
  try {
    return (await files.stat(path))[kind]();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}
