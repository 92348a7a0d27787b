import { join } from "node:path";
import type { Ports } from "./ports.ts";

/** The file in a run's own folder that names the builder it made. */
export const builderFile = "builder";

/** Removes what a run made and did not remove itself, since it was killed: its folder with log-ins, and its builder. */
export async function cleanUp(
  folder: string,
  { exec, files, env, log }: Pick<Ports, "exec" | "files" | "env" | "log">,
): Promise<void> {
  if (folder === "") return;
  const builder = await files.readFile(join(folder, builderFile), "utf8").catch(() => "");
  if (builder !== "") {
    const { code, stderr } = await exec("docker", ["buildx", "rm", "--force", builder], { env });
    if (code === 0) log.info(`Removed the builder ${builder}.`);
    else if (!/no builder/.test(stderr))
      log.warning(`The builder ${builder} could not be removed: ${stderr.trim()}`);
  }
  await files.rm(folder, { recursive: true, force: true });
}
