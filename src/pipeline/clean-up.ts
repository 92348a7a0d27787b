import { join } from "node:path";
import { explain } from "../errors.ts";
import type { Files } from "../ports/files.ts";
import type { Ports } from "./ports.ts";

/** The file in a run's own folder that names the builder it made. */
const builderFile = "builder.json";

/** How long docker may take to remove a builder; a job does not wait for an engine that hangs. Milliseconds. */
const patience = 60_000;

type Variables = Readonly<Record<string, string>>;

/** A builder, and the variables by which docker finds it, and the buildx that made it: they may be of this run alone. */
interface Remembered {
  readonly name: string;
  readonly variables: Variables;
}

/** Writes down which builder is about to be made, so that it can be removed if this process is killed. */
export async function rememberBuilder(
  name: string,
  folder: string,
  env: Variables,
  files: Pick<Files, "writeFile">,
): Promise<void> {
  const variables = Object.fromEntries(
    Object.entries(env).filter(([key]) => key === "DOCKER_CONFIG" || key === "BUILDX_CONFIG"),
  );
  const remembered: Remembered = { name, variables };
  await files.writeFile(join(folder, builderFile), JSON.stringify(remembered));
}

type CleanUpPorts = Pick<Ports, "exec" | "files" | "env" | "log">;

/**
 * Removes what a run made and did not remove itself, since it was killed: its builder, and its folder with log-ins, which goes whatever
 * becomes of the builder. Failures are warnings: the job's verdict is not theirs.
 */
export async function cleanUp(folder: string, ports: CleanUpPorts): Promise<void> {
  if (folder === "") return;
  const { files, log } = ports;
  try {
    const text = await files.readFile(join(folder, builderFile), "utf8").catch(() => "");
    if (text !== "") await removeBuilder(JSON.parse(text) as Remembered, ports);
  } catch (error) {
    log.warning(`The builder that ${folder} names could not be removed: ${explain(error)}`);
  } finally {
    await files.rm(folder, { recursive: true, force: true }).catch((error: unknown) => {
      log.warning(`${folder} could not be removed, and may hold a log-in: ${explain(error)}`);
    });
  }
}

async function removeBuilder(
  { name, variables }: Remembered,
  { exec, env, log }: CleanUpPorts,
): Promise<void> {
  const { code, stderr } = await exec("docker", ["buildx", "rm", "--force", name], {
    env: { ...env, ...variables },
    signal: AbortSignal.timeout(patience),
  });
  if (code === 0) log.info(`Removed the builder ${name}.`);
  else if (!/no builder/.test(stderr))
    log.warning(`The builder ${name} could not be removed: ${stderr.trim()}`);
}
