import { spawn as start } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { CommandError } from "../errors.ts";
import type { Spawn } from "../ports/spawn.ts";

/** Milliseconds that killed processes have to be gone. */
const patience = 5_000;

/** Programs in a process group of their own, so that they can be ended with all that they started. */
export const spawn: Spawn = async (command, args, { env, onLine }) => {
  const child = start(command, args, {
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", onLine);
  const ended = once(child, "exit").then(
    ([code]) => (code as number | null) ?? undefined,
    () => undefined,
  );
  try {
    await once(child, "spawn");
  } catch (cause) {
    throw new CommandError(`${command} cannot be started.`, { cause });
  }
  const pid = child.pid as number;
  return {
    pid,
    ended,
    kill: (signal) => child.kill(signal),
    killAll: async () => {
      const until = Date.now() + patience;
      while (killGroup(pid) && Date.now() < until) await setTimeout(10);
    },
  };
};

/** False where nothing of the group is left. */
function killGroup(leader: number): boolean {
  try {
    process.kill(-leader, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}
