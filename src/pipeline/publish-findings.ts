import { isAbsolute, relative, resolve } from "node:path";
import { findSource } from "../buildx/dockerfile.ts";
import type { Config } from "../config/config.ts";
import { builtCommit } from "../config/facts.ts";
import { UsageError } from "../errors.ts";
import type { ScanResult } from "../results/stages.ts";
import type { Subject } from "../sarif/document.ts";
import { type Published, publishSarif } from "../sarif/publish.ts";
import { ownSource } from "./build.ts";
import type { Ports } from "./ports.ts";
import type { Stage } from "./stage.ts";

type Used = Pick<Ports, "clock" | "fetch" | "files" | "home" | "log" | "signal">;

/** Where a scan's findings are written. */
export function sarifFileOf({ workspace, scan }: Pick<Config, "workspace" | "scan">): string {
  return resolve(workspace, scan.sarifFile);
}

/** Writes a scan's findings to `sarif-file` and sends them to code scanning, before its verdict fails the step; `image` is the plan's. */
export async function publishFindings(
  result: ScanResult,
  image: string,
  { config, facts }: Pick<Stage, "config" | "facts">,
  ports: Used,
): Promise<Published> {
  const { scan, github } = config;
  const { checkedOut } = facts;
  return await publishSarif(
    result,
    {
      subject: {
        ...{ image, dockerfile: await dockerfileOf(config, ports) },
        source: sourceOf(facts),
        rebuild: checkedOut !== undefined && !facts.isPullRequest,
      },
      file: sarifFileOf(config),
      upload: scan.sarifUpload,
      occasion: facts,
      checkedOut,
      api: { url: github.api, token: github.token },
    },
    ports,
  );
}

function sourceOf({ sha, checkedOut, repository: { url } }: Stage["facts"]): Subject["source"] {
  const revision = builtCommit({ sha, checkedOut });
  if (revision === "") return undefined;
  return { url, revision, ...(checkedOut === undefined ? {} : { event: sha }) };
}

/** The Dockerfile as the repository has it; without its text where another one is built, or the checkout is not there. */
async function dockerfileOf(
  { workspace, build }: Config,
  { files, home }: Used,
): Promise<Subject["dockerfile"]> {
  const absent = { path: "Dockerfile.director", text: undefined, target: undefined };
  try {
    const own = ownSource(home, resolve(workspace, build.context));
    const { file, target } = await findSource({ ...build, workspace, own }, files);
    const path = relative(workspace, resolve(workspace, file)).replaceAll("\\", "/");
    if (path.startsWith("../") || isAbsolute(path)) return absent;
    return { path, text: await files.readFile(resolve(workspace, file), "utf8"), target };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof UsageError || code === "ENOENT") return absent;
    throw error;
  }
}
