import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { type Check, type CheckName, failed, judged } from "../../src/acceptance/check.ts";
import type { RunningNode } from "../../src/acceptance/node.ts";
import { nodesOf } from "../../src/acceptance/nodes.ts";
import { processTarget } from "../../src/acceptance/process-target.ts";
import { type AcceptOptions, accept, runCheck } from "../../src/acceptance/run.ts";
import type { World } from "../../src/acceptance/world.ts";
import { RemoteError } from "../../src/errors.ts";
import { clock } from "../../src/host/clock.ts";
import { spawn } from "../../src/host/spawn.ts";
import { testPorts } from "../stores/ports.ts";

jest.setTimeout(30_000);

let folder: string;
let stop: AbortController;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "acceptance-run-"));
  for (const name of ["models", "tmp"]) await mkdir(join(folder, name));
  stop = new AbortController();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const portsOf = () => ({ ...testPorts(), clock, spawn, signal: stop.signal });

function targetOf(command: readonly [string, ...string[]]) {
  const env = { PATH: process.env["PATH"] ?? "" };
  const places = { models: join(folder, "models"), temporary: join(folder, "tmp") };
  return processTarget({ command, env, ...places }, portsOf());
}

const options: AcceptOptions = {
  expected: {
    ...{ titles: [], weights: new Map(), isLock: () => true, labels: [] },
    annotations: { wanted: [], there: {} },
  },
  limits: {
    ...{ startupSeconds: 5, shutdownSeconds: 5, vramBytes: 1e9, imageBytes: 1e9, driver: "535" },
    ...{ memoryBytes: 1e9, cpus: 1, slots: 1 },
  },
  ...{ gpu: "off", gpus: undefined, chainUrl: undefined, protos: join("director", "proto") },
};

/** A run of checks of the test's own on a process; what it made is gone afterwards. */
async function judge(
  command: readonly [string, ...string[]],
  run: Check["run"],
  { seconds = 20, after = [] as readonly CheckName[] } = {},
) {
  const target = targetOf(command);
  const nodes = nodesOf(target, { chainUrl: "ws://127.0.0.1:1", signal: stop.signal });
  const under = (signal: AbortSignal) =>
    ({ ...options, ...portsOf(), target, nodes: nodes.under(signal), signal }) as unknown as World;
  try {
    const check: Check = { name: "metrics", after, seconds: () => seconds, run };
    const { result } = await runCheck(check, [], { nodes, clock, signal: stop.signal, under });
    return { ...result, logs: await nodes.logs(stop.signal) };
  } finally {
    await target.close();
  }
}

const forever = () => new Promise<never>(() => undefined);

describe("a check", () => {
  it("that does not end in its time has failed, whatever it waits for", async () => {
    const begun = Date.now();
    const result = await judge(["true"], forever, { seconds: 0.2 });
    expect(result).toMatchObject({
      verdict: "failed",
      reason: "it did not come to an end within 0.2 s",
    });
    expect(Date.now() - begun).toBeLessThan(5_000);
  });

  it("puts in order what it changed before the next one begins", async () => {
    let order = false;
    await judge(
      ["true"],
      async ({ clock: { sleep }, signal }) => {
        try {
          await sleep(10_000, signal);
        } finally {
          await setTimeout(200);
          order = true;
        }
        return judged([]);
      },
      { seconds: 0.2 },
    );
    expect(order).toBe(true);
  });

  it("that passes after its time has failed", async () => {
    const late = async () => {
      await setTimeout(500);
      return judged([]);
    };
    expect((await judge(["true"], late, { seconds: 0.2 })).verdict).toBe("failed");
  });

  it("ends the program that it runs in the node when its time is over", async () => {
    const result = await judge(
      ["sleep", "600"],
      async ({ nodes }) => {
        await (await nodes.startMain()).exec("sleep", "600");
        return judged([]);
      },
      { seconds: 0.5 },
    );
    expect(result).toMatchObject({ verdict: "failed", seconds: expect.any(Number) });
    expect(result.seconds).toBeLessThan(1.4);
  });

  it("ends with the run, whatever it waits for, and the nodes with it", async () => {
    const reason = new Error("told to stop");
    let node: RunningNode | undefined;
    const running = judge(["sleep", "600"], async ({ nodes }) => {
      node = await nodes.startMain();
      stop.abort(reason);
      return forever();
    });
    await expect(running).rejects.toBe(reason);
    expect((await node?.state())?.running).toBe(false);
    expect(await readdir(join(folder, "tmp"))).toEqual([]);
  });
});

const dies = [
  ...["python3", "-c"],
  "import sys; print('my last words', file=sys.stderr); sys.exit(7)",
] as unknown as readonly [string, ...string[]];
const whenEnded = async (world: World) => {
  const node = await world.nodes.startMain();
  while ((await node.state()).running) await setTimeout(20);
};

describe("a node that ended by itself", () => {
  it("is the first reason of a check that fails", async () => {
    const result = await judge(dies, async (world) => {
      await whenEnded(world);
      return failed("connection refused", { seen: 1 });
    });
    expect(result).toMatchObject({
      verdict: "failed",
      reason:
        "it ended by itself with exit code 7; its last words: my last words; connection refused",
      measured: { seen: 1 },
    });
    expect(result.logs).toMatchObject([{ node: "node", text: "my last words" }]);
  });

  it("is the first reason of a check that throws, too", async () => {
    const { reason } = await judge(dies, async (world) => {
      await whenEnded(world);
      throw new RemoteError("it hung up", { cause: new Error("ECONNRESET") });
    });
    expect(reason).toBe(
      "it ended by itself with exit code 7; its last words: my last words; it hung up because: ECONNRESET",
    );
  });

  it("is no reason where it was told to end", async () => {
    const { reason } = await judge(["sleep", "600"], async (world) => {
      const node = await world.nodes.startMain();
      await node.signal("SIGTERM");
      while ((await node.state()).running) await setTimeout(20);
      return failed("it flushed nothing");
    });
    expect(reason).toBe("it flushed nothing");
  });

  it("is told of the second node to whoever asks for it", async () => {
    const second = `import os, sys, time
if os.environ["P2P_BOOTSTRAP_PEERS"]: print("no peer"); sys.exit(3)
time.sleep(600)`;
    const result = await judge(["python3", "-c", second], async (world) => {
      await world.nodes.startMain();
      const node = await world.nodes.second();
      while ((await node.state()).running) await setTimeout(20);
      await world.nodes.second();
      return judged([]);
    });
    expect(result.reason).toBe(
      "the second node ended by itself with exit code 3; its last words: no peer",
    );
    expect(result.logs).toMatchObject([{ node: "second node", text: "no peer" }]);
  });

  it("may be started again where a second one could not be", async () => {
    const program = join(folder, "node");
    const write = () => writeFile(program, "#!/bin/sh\nexec sleep 600\n", { mode: 0o755 });
    await write();
    const result = await judge([program], async ({ nodes }) => {
      await nodes.startMain();
      await rm(program);
      await expect(nodes.second()).rejects.toThrow("cannot be started");
      await write();
      return (await (await nodes.second()).state()).running ? judged([]) : failed("not there");
    });
    expect(result.verdict).toBe("passed");
  });
});

describe("a run", () => {
  it("tells why its program cannot be started, and leaves nothing", async () => {
    const { verdict, checks } = await accept(targetOf(["/no/such/node"]), options, portsOf());
    expect(verdict).toBe("failed");
    expect(checks.find(({ name }) => name === "startup")?.reason).toBe(
      "/no/such/node cannot be started. because: spawn /no/such/node ENOENT",
    );
    expect(await readdir(join(folder, "tmp"))).toEqual([]);
  });

  it("closes its target when the chain's endpoint cannot be opened", async () => {
    const target = targetOf(["sleep", "600"]);
    const node = await target.start({
      ...{ name: "node", peers: [], chainUrl: "", hardened: true },
    });
    const elsewhere = { ...target, hostAddress: "192.0.2.1" };
    await expect(accept(elsewhere, options, portsOf())).rejects.toThrow(RemoteError);
    expect((await node.state()).running).toBe(false);
    expect(await readdir(join(folder, "tmp"))).toEqual([]);
  });

  it("keeps what every node said, the last 2,000 lines of each, that of the node under test last", async () => {
    const talks = `import os, time
for line in range(3000): print(os.environ["P2P_BOOTSTRAP_PEERS"] and "second", line)
print("done", flush=True)
time.sleep(600)`;
    const { logs } = await judge(["python3", "-c", talks], async ({ nodes }) => {
      const spoken = async (node: RunningNode) => {
        while (!(await node.logs()).some(({ text }) => text === "done")) await setTimeout(20);
      };
      await spoken(await nodes.startMain());
      await spoken(await nodes.startMain("it takes the place of the first"));
      await spoken(await nodes.second());
      return failed("enough");
    });
    const of = (name: string) => logs.filter(({ node }) => node === name).map(({ text }) => text);
    const names = ["node", "second node", "unhardened node"];
    expect([...new Set(logs.map(({ node }) => node))]).toEqual(names);
    for (const name of names) expect([of(name).length, of(name).at(-1)]).toEqual([2_000, "done"]);
    expect(of("second node")[0]).toBe("second 1001");
  });
});
