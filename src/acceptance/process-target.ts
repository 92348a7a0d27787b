import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join, relative } from "node:path";
import type { Clock } from "../ports/clock.ts";
import type { Exec } from "../ports/exec.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { Spawn } from "../ports/spawn.ts";
import type { RunningNode, Target } from "./node.ts";
import { runProcess } from "./process-node.ts";

export interface ProcessOptions {
  /** The program and its first arguments. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Where the weights are; the program is told by MODELS_PATH. */
  readonly models: string;
  /** Folder for what its nodes write. */
  readonly temporary: string;
}

export interface ProcessPorts {
  readonly spawn: Spawn;
  readonly exec: Exec;
  readonly clock: Pick<Clock, "now">;
  readonly files: Pick<Files, "mkdtemp" | "readdir" | "readFile" | "rm">;
  readonly log: Pick<Log, "warning">;
  /** The run's. */
  readonly signal: AbortSignal;
}

/** A command on this machine: for a GPU machine without Docker. */
export function processTarget(options: ProcessOptions, ports: ProcessPorts): Target {
  const nodes: Promise<RunningNode>[] = [];
  const under = (until: AbortSignal): Target => ({
    kind: "process",
    name: options.command.join(" "),
    hostAddress: "127.0.0.1",
    models: options.models,
    under,
    image: async () => undefined,
    weights: () => hashes(options.models, ports.files, until),
    start: (wanted) => {
      const node = runProcess({ ...options, wanted }, ports, until);
      nodes.push(node);
      return node;
    },
    close: async () => {
      // Also of a start that is under way, so that nothing comes after the end.
      const made = await Promise.allSettled(nodes.splice(0));
      await Promise.all(
        made.map((one) => (one.status === "fulfilled" ? one.value.remove() : undefined)),
      );
    },
  });
  return under(ports.signal);
}

async function hashes(
  folder: string,
  { readdir }: Pick<Files, "readdir">,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = new Map<string, string>();
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const hash = createHash("sha256");
    for await (const piece of createReadStream(path)) {
      signal.throwIfAborted();
      hash.update(piece as Uint8Array);
    }
    found.set(relative(folder, path), hash.digest("hex"));
  }
  return found;
}
