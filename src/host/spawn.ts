import { spawn as start } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { CommandError } from "../errors.ts";
import type { Spawn } from "../ports/spawn.ts";
import { forPrograms } from "./variables.ts";

/** Milliseconds that killed processes have to be gone. */
const patience = 5_000;

/** Programs in a process group of their own, so that they can be ended with all that they started. */
export const spawn: Spawn = async (command, args, { env, onLine }) => {
  const child = start(command, args, {
    env: forPrograms(env),
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
    killAll: async (family) => {
      for (const until = Date.now() + patience; Date.now() < until; await setTimeout(10)) {
        // Looked for first: whose parent is dead is nobody's child.
        const others = [...(await family())];
        const alive = [-pid, ...others].filter(kill);
        if (alive.length === 0) return;
      }
    },
  };
};

/** Kills a process, or a group by its number below 0; false where nothing of it is left. */
function kill(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}
