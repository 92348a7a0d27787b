import { spawn as spawnOther } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdir, mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { RunningNode } from "../../src/acceptance/node.ts";
import { holdPorts } from "../../src/acceptance/process-ports.ts";
import { processTarget } from "../../src/acceptance/process-target.ts";
import { CommandError } from "../../src/errors.ts";
import { clock } from "../../src/host/clock.ts";
import { spawn } from "../../src/host/spawn.ts";
import { testPorts } from "../stores/ports.ts";

jest.setTimeout(30_000);

let folder: string;
let temporary: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "process-target-"));
  temporary = join(folder, "tmp");
  await mkdir(temporary);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const target = (command: readonly [string, ...string[]]) =>
  processTarget(
    {
      command,
      env: { PATH: process.env["PATH"] ?? "" },
      models: join(folder, "models"),
      temporary,
    },
    { ...testPorts(), clock, spawn, signal: new AbortController().signal },
  );
const wanted = { name: "node", peers: [], chainUrl: "ws://127.0.0.1:1", hardened: true };

/** Starts a sidecar in a process group of its own that hears neither SIGTERM nor the end of its input, says its number, and goes on as MORE says. */
const withSidecar = (more: string): readonly [string, ...string[]] => [
  "python3",
  "-c",
  `import os, signal, subprocess, sys, time
sidecar = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", sidecar], process_group=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print("sidecar", child.pid, flush=True)
${more}`,
];

async function sidecarOf(node: RunningNode): Promise<number> {
  for (;;) {
    const line = (await node.logs()).find(({ text }) => text.startsWith("sidecar "));
    if (line !== undefined) return Number(line.text.split(" ")[1]);
    await setTimeout(50);
  }
}

/** Whether a process lives; one that has ended and was not asked how does not. */
async function lives(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat !== "" && !/\) [ZX] /.test(stat);
}

describe("a program that cannot be started", () => {
  it("leaves no folder, and says what the machine said", async () => {
    const starting = target(["/no/such/program"]).start(wanted);
    await expect(starting).rejects.toThrow(CommandError);
    await expect(starting).rejects.toMatchObject({ cause: { code: "ENOENT" } });
    expect(await readdir(temporary)).toEqual([]);
  });
});

describe("a sidecar that does not end with its node", () => {
  it.each([
    ["that runs", "time.sleep(600)"],
    ["that has ended by itself", "sys.exit(7)"],
  ])("is ended with a node %s", async (_, more) => {
    const process = target(withSidecar(more));
    const node = await process.start(wanted);
    const sidecar = await sidecarOf(node);
    if (more.includes("exit")) while ((await node.state()).running) await setTimeout(20);
    expect(await lives(sidecar)).toBe(true);
    expect(await node.pids()).toContain(sidecar);
    await process.close();
    expect(await lives(sidecar)).toBe(false);
    expect(await readdir(temporary)).toEqual([]);
  });

  it("is ended by SIGKILL to its node", async () => {
    const process = target(withSidecar("time.sleep(600)"));
    const node = await process.start(wanted);
    const sidecar = await sidecarOf(node);
    await node.signal("SIGKILL");
    expect(await lives(sidecar)).toBe(false);
    await process.close();
  });
});

describe("a node of a process", () => {
  it("tells whether it was sent a signal, until it is started again", async () => {
    const process = target(["sleep", "600"]);
    const node = await process.start(wanted);
    expect(await node.state()).toMatchObject({ running: true, signalled: false });
    await node.signal("SIGTERM");
    while ((await node.state()).running) await setTimeout(20);
    expect(await node.state()).toMatchObject({ running: false, signalled: true });
    await node.restart();
    expect(await node.state()).toMatchObject({ running: true, signalled: false });
    await process.close();
  });

  it("that ended by itself before a signal came was sent none", async () => {
    const process = target(["true"]);
    const node = await process.start(wanted);
    while ((await node.state()).running) await setTimeout(20);
    await node.signal("SIGTERM");
    expect(await node.state()).toMatchObject({ exitCode: 0, signalled: false });
    await process.close();
  });

  it("runs nothing once its signal is aborted", async () => {
    const process = target(["sleep", "600"]);
    const stop = new AbortController();
    const node = (await process.start(wanted)).under(stop.signal);
    const running = node.exec("sleep", "600");
    const reason = new Error("stopped");
    stop.abort(reason);
    await expect(running).rejects.toBe(reason);
    await expect(node.signal("SIGKILL")).rejects.toBe(reason);
    await expect(node.restart()).rejects.toBe(reason);
    expect((await node.state()).running).toBe(true);
    await process.close();
  });
});

it("hashing ends with its signal, in the middle of a file", async () => {
  await mkdir(join(folder, "models"));
  const large = await open(join(folder, "models", "large.bin"), "w");
  await large.truncate(2 ** 40);
  await large.close();
  const stop = new AbortController();
  const hashing = target(["true"]).under(stop.signal).weights();
  const reason = new Error("stopped");
  globalThis.setTimeout(() => stop.abort(reason), 100);
  await expect(hashing).rejects.toBe(reason);
});

describe("ports", () => {
  it("are all different, and free on every address for TCP and UDP", async () => {
    const others = Array.from({ length: 1_000 }, () => createSocket("udp4").bind(0, "127.0.0.2"));
    await Promise.all(others.map((socket) => once(socket, "listening")));
    const { ports, giveBack } = await holdPorts(300);
    expect(new Set(ports).size).toBe(300);
    for (const port of ports) {
      const server = createServer().listen(port, "0.0.0.0");
      await once(server, "listening");
      server.close();
      const socket = createSocket("udp4").bind(port, "0.0.0.0");
      await once(socket, "listening");
      socket.close();
    }
    await giveBack();
    for (const socket of others) socket.close();
  });

  it("are promised to one process until it gives them back, or ends, whatever language it is in", async () => {
    // Of 20,000 ports: two that did not ask each other would be given ten or so of the same.
    const { ports, giveBack } = await holdPorts(450);
    const mine = new Set(ports);
    const other = spawnOther("python3", ["-B", "-c", pythonHolds], { cwd: broken });
    other.stderr.pipe(process.stderr);
    const lines = createInterface(other.stdout)[Symbol.asyncIterator]();
    const theirs: number[] = JSON.parse((await lines.next()).value);
    expect(theirs).toHaveLength(450);
    expect(theirs.filter((port) => mine.has(port))).toEqual([]);
    const third = await holdPorts(450);
    const taken = new Set([...mine, ...theirs]);
    expect(third.ports.filter((port) => taken.has(port))).toEqual([]);
    const ended = once(other, "exit");
    other.kill("SIGKILL");
    await ended;
    await Promise.all([giveBack(), third.giveBack()]);
    const again = await holdPorts(450);
    expect(again.ports.filter((port) => taken.has(port))).not.toEqual([]);
    await again.giveBack();
  });
});

const broken = join(process.cwd(), "__tests__", "acceptance", "broken");
const pythonHolds = `import json, relay, sys
print(json.dumps([relay.free_port() for _ in range(450)]), flush=True)
sys.stdin.read()`;
