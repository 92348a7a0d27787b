import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { CommandError } from "../errors.ts";
import type { Exec } from "../ports/exec.ts";
import { forPrograms } from "./variables.ts";

/** How long after a program's failure a signal that ended it may still be on its way to this process. Milliseconds. */
const tick = 50;

/** Programs of this machine. */
export const exec: Exec = (command, args, options = {}) =>
  new Promise((resolve, reject) => {
    const { cwd, env = process.env, input, onLine, signal } = options;
    signal?.throwIfAborted();
    const child = spawn(command, args, {
      ...{ cwd, env: forPrograms(env) },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].on("data", (piece: Buffer) => output[stream].push(piece));
      if (onLine !== undefined)
        createInterface({ input: child[stream] }).on("line", (line) => onLine(line, stream));
    }
    let deadline: NodeJS.Timeout | undefined;
    const stop = () => {
      child.kill("SIGTERM");
      deadline = globalThis.setTimeout(() => child.kill("SIGKILL"), 10_000);
      child.once("exit", () => letGo(child));
    };
    signal?.addEventListener("abort", stop, { once: true });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const done = () => {
      signal?.removeEventListener("abort", stop);
      clearTimeout(deadline);
    };
    child.on("error", (cause) => {
      done();
      reject(new CommandError(`${command} could not be started.`, { cause }));
    });
    child.on("close", async (code, killedBy) => {
      done();
      // Ctrl-C goes to the program too, which may be gone before this process has heard of it.
      if (signal !== undefined && code !== 0) await setTimeout(tick);
      if (signal?.aborted) return reject(signal.reason);
      const text = (pieces: Buffer[]) => Buffer.concat(pieces).toString("utf8");
      if (code === null) return reject(new CommandError(`${command} was ended by ${killedBy}.`));
      resolve({ code, stdout: text(output.stdout), stderr: text(output.stderr) });
    });
  });

/** What a program that was stopped has started may hold its pipes open for as long as it likes: nobody waits for that. */
function letGo({ stdout, stderr }: Pick<ChildProcess, "stdout" | "stderr">): void {
  globalThis
    .setTimeout(() => {
      stdout?.destroy();
      stderr?.destroy();
    }, 1000)
    .unref();
}
