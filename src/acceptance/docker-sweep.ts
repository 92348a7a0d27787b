import { setTimeout } from "node:timers/promises";
import type { Log } from "../ports/log.ts";
import { type DockerCli, label, must } from "./docker-cli.ts";

/** What a run makes, in the order in which Docker lets go of it. */
const kinds = [
  { list: ["ps", "--all"], remove: ["rm", "--force", "--volumes"] },
  { list: ["volume", "ls"], remove: ["volume", "rm", "--force"] },
  { list: ["network", "ls"], remove: ["network", "rm"] },
] as const;

/** Rounds that may meet something which Docker does not let go of yet, and the milliseconds before the next one. */
const most = 8;
const pause = 500;

/**
 * Takes away everything that carries a run's label; what is left is a warning. `late`: the run was stopped, and what it asked for last may
 * come after its `docker` was killed, so that one look is not enough.
 */
export async function sweep(
  id: string,
  docker: DockerCli,
  { log, late }: { readonly log: Pick<Log, "warning">; readonly late: boolean },
): Promise<void> {
  let clean = 0;
  let why = "";
  for (let round = 0; round < most; round += 1) {
    try {
      await takeAway(id, docker);
      clean += 1;
      if (clean === (late ? 3 : 1)) return;
    } catch (error) {
      clean = 0;
      why = error instanceof Error ? error.message : String(error);
    }
    await setTimeout(pause);
  }
  log.warning(`Something of the acceptance is left (label ${label(id)}): ${why}`);
}

async function takeAway(id: string, docker: DockerCli): Promise<void> {
  const filter = ["--quiet", "--filter", `label=${label(id)}`];
  const lists = await Promise.all(kinds.map(({ list }) => must(docker, ...list, ...filter)));
  for (const [at, { remove }] of kinds.entries()) {
    const found = (lists[at] ?? "").split("\n").filter((name) => name !== "");
    if (found.length > 0) await must(docker, ...remove, ...found);
  }
}
