import { spawn as start } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { CommandError } from "../errors.ts";
import type { Spawn } from "../ports/spawn.ts";

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
    killAll: () => {
      try {
        process.kill(-pid, "SIGKILL");
      } catch {
        // nothing of it is left
      }
    },
  };
};
