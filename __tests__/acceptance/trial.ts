import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChain } from "../../src/acceptance/chain.ts";
import type { Gpus } from "../../src/acceptance/gpus.ts";
import { connectGrpc } from "../../src/acceptance/grpc.ts";
import type { Target } from "../../src/acceptance/node.ts";
import { type NodeLine, nodesOf } from "../../src/acceptance/nodes.ts";
import { processTarget } from "../../src/acceptance/process-target.ts";
import { watchVram } from "../../src/acceptance/vram-series.ts";
import type { Expected, Limits, World } from "../../src/acceptance/world.ts";
import { clock } from "../../src/host/clock.ts";
import { spawn } from "../../src/host/spawn.ts";
import type { Fetch } from "../../src/ports/fetch.ts";
import { testPorts } from "../stores/ports.ts";

export interface Trial {
  readonly world: World;
  /** What all nodes have said, also those that were taken away. */
  readonly logs: () => Promise<readonly NodeLine[]>;
  /** Ends everything that was started. */
  readonly close: () => Promise<void>;
}

export interface Trying {
  readonly env?: Readonly<Record<string, string>>;
  readonly models?: string;
  readonly limits?: Partial<Limits>;
  readonly expected?: Partial<Expected>;
  readonly gpus?: Gpus;
  /** Stands before what the node answers. */
  readonly fetch?: (fetch: Fetch) => Fetch;
  readonly target?: (target: Target) => Target;
}

const limits: Limits = {
  ...{ startupSeconds: 60, shutdownSeconds: 30, vramBytes: 11.8e9, imageBytes: 10e9 },
  ...{ driver: "535", memoryBytes: 16e9, cpus: 4, slots: 1 },
};
const expected: Expected = {
  ...{ titles: [], weights: new Map(), isLock: () => true, labels: [] },
  annotations: { wanted: [], there: {} },
};

/** Single checks on a real process: the world that `accept` makes for them, with the real adapters of this machine. */
export async function openTrial(
  command: readonly [string, ...string[]],
  trying: Trying = {},
): Promise<Trial> {
  const temporary = await mkdtemp(join(tmpdir(), "trial-"));
  const { exec, files, log, fetch } = testPorts();
  const env = { PATH: process.env["PATH"] ?? "", ...trying.env };
  const models = trying.models ?? "/nonexistent";
  const signal = AbortSignal.timeout(240_000);
  const ports = { spawn, exec, clock, files, log, signal };
  const own = processTarget({ command, env, models, temporary }, ports);
  const target = trying.target?.(own) ?? own;
  const chain = await startChain(target.hostAddress, clock.now);
  const nodes = nodesOf(target, { chainUrl: chain.url, signal });
  const vram = watchVram(trying.gpus, () => nodes.running, clock);
  const world: World = {
    ...{
      target,
      nodes: nodes.under(signal),
      chain,
      vram,
      gpus: trying.gpus,
      gpu: "auto",
      exec,
      clock,
      log,
    },
    expected: { ...expected, ...trying.expected },
    limits: { ...limits, ...trying.limits },
    grpc: (node) => connectGrpc(node.grpc, join("director", "proto"), { now: clock.now, signal }),
    fetch: trying.fetch?.(fetch) ?? fetch,
    signal,
  };
  const close = async () => {
    vram.stop();
    await target.close();
    await chain.close();
    await rm(temporary, { recursive: true, force: true });
  };
  return { world, logs: () => nodes.logs(signal), close };
}
