import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { root } from "../director.ts";
import { measured, stop } from "../process.ts";
import { type Bench, compared, measurement, type Row, type RowResult } from "../row.ts";
import { type Scratch, withScratch } from "../scratch.ts";
import { lockOf } from "../weights.ts";

export const startRow: Row = {
  name: "start",
  about: "the action's start: from its process to its first request to the registry",
  measure: (bench) => withScratch((scratch) => measure({ ...bench, scratch })),
};

async function measure(bench: Bench): Promise<readonly RowResult[]> {
  const { options, scratch } = bench;
  const folder = await scratch.folder("start");
  const lock = join(folder, "models.lock.json");
  const files = [{ path: "a.bin", size: 1_000_000, sha256: "0".repeat(64) }];
  await writeFile(lock, lockOf("http://127.0.0.1:9/", files));
  const program = (name: string) => resolve(root, options.dist, name, "index.js");
  const runs = { action: [] as number[], command: [] as number[], empty: [] as number[] };
  for (let round = 0; round < 2 * options.repeat; round += 1) {
    runs.action.push(
      await untilRequest(scratch, (address) => ({
        args: [program("main")],
        env: actionVariables(folder, `${address}/director`),
        folder,
      })),
    );
    runs.command.push(
      await untilRequest(scratch, (address) => ({
        args: [program("cli"), "models", "push", "--lock", lock, "--to", `${address}/director`],
        env: {},
        folder,
      })),
    );
    runs.empty.push((await measured(process.execPath, ["-e", ""])).seconds);
  }
  const named = (name: string, all: readonly number[]) =>
    measurement(
      name,
      all.map((seconds) => ({ seconds })),
    );
  const measurements = compared([
    named("the action, stage: all", runs.action),
    named("models push", runs.command),
    named("node, which does nothing", runs.empty),
  ]);
  const slowest = Math.max(measurements[0]?.seconds ?? 0, measurements[1]?.seconds ?? 0);
  return [
    {
      row: "start",
      title: "Start, until the first request to the registry",
      measurements,
      goals: [{ goal: "below 0.5 s", seen: `${slowest.toFixed(2)} s`, met: slowest < 0.5 }],
    },
  ];
}

/** A step of a workflow as the runner starts it. No engine is near: the run ends after what is measured. */
function actionVariables(folder: string, image: string): Record<string, string> {
  return {
    GITHUB_ACTIONS: "true",
    GITHUB_EVENT_NAME: "push",
    GITHUB_REF: "refs/heads/main",
    GITHUB_SHA: "0".repeat(40),
    GITHUB_REPOSITORY: "operator/director",
    GITHUB_WORKSPACE: folder,
    RUNNER_TEMP: folder,
    RUNNER_TOOL_CACHE: folder,
    DOCKER_HOST: `unix://${folder}/nobody.sock`,
    INPUT_IMAGE: image,
    "INPUT_ALLOW-UNTESTED": "a measurement",
  };
}

interface Start {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
}

/** Seconds from the start of a program to its first request; the program is stopped then. */
async function untilRequest(scratch: Scratch, start: (address: string) => Start): Promise<number> {
  let seen: (at: number) => void = () => undefined;
  const first = new Promise<number>((resolve) => {
    seen = resolve;
  });
  const server = createServer((_, response) => {
    seen(performance.now());
    response.writeHead(503).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { args, env, folder } = start(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  const begun = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  scratch.later(() => stop(child));
  const stderr: Buffer[] = [];
  child.stderr.on("data", (bytes: Buffer) => stderr.push(bytes));
  const early = new Promise<never>((_, reject) => {
    child.once("exit", () =>
      reject(new Error(`${args[0]} ended without a request: ${Buffer.concat(stderr)}`)),
    );
  });
  try {
    return ((await Promise.race([first, early])) - begun) / 1000;
  } finally {
    await stop(child);
    server.closeAllConnections();
    server.close();
  }
}
