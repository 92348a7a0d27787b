import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join, relative } from "node:path";
import type { Clock } from "../ports/clock.ts";
import type { Exec } from "../ports/exec.ts";
import type { Files } from "../ports/files.ts";
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
}

/** A command on this machine: for a GPU machine without Docker. */
export function processTarget(options: ProcessOptions, ports: ProcessPorts): Target {
  const nodes: RunningNode[] = [];
  return {
    kind: "process",
    name: options.command.join(" "),
    hostAddress: "127.0.0.1",
    models: options.models,
    image: async () => undefined,
    weights: () => hashes(options.models, ports.files),
    start: async (wanted) => {
      const node = await runProcess({ ...options, wanted }, ports);
      nodes.push(node);
      return node;
    },
    close: async () => {
      await Promise.all(nodes.splice(0).map((node) => node.remove()));
    },
  };
}

async function hashes(
  folder: string,
  { readdir }: Pick<Files, "readdir">,
): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = new Map<string, string>();
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const hash = createHash("sha256");
    for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
    found.set(relative(folder, path), hash.digest("hex"));
  }
  return found;
}
