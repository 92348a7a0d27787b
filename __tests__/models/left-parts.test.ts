import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { Lock } from "../../src/models/lock.ts";
import { pullModels } from "../../src/models/pull.ts";
import { openLock, publish, sha256, startWorld, type World, weights } from "./world.ts";

jest.setTimeout(60_000);

const content = weights(300_000);
const name = "model.safetensors";
const machine = hostname().replaceAll(/[^A-Za-z0-9-]/g, "-");
const part = `${name}.${sha256(content).slice(0, 12)}.part`;
const ofAnother = `${name}.${"0".repeat(12)}.part`;

let world: World;
let lock: Lock;
let folder: string;
const running: ChildProcess[] = [];
beforeEach(async () => {
  world = await startWorld();
  lock = openLock(await publish(world, "one", { [name]: content }));
  folder = join(world.folder, "volume/one");
  mkdirSync(folder, { recursive: true });
});
afterEach(async () => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
  await world.close();
});

const pull = async () => {
  const out = join(world.folder, "volume");
  return (await pullModels(lock, world.ports, { out })).files.map(({ state }) => state);
};
const leave = (path: string, bytes: Uint8Array = content.subarray(0, 1000)) =>
  writeFileSync(join(folder, path), bytes);

/** The ending of a part that a process on this machine fills. */
function heldBy(): string {
  const child = spawn("sleep", ["60"]);
  running.push(child);
  return `${child.pid}.${machine}.00000000`;
}

describe("parts beside a file that is there", () => {
  it.each(["cached", "pulled"])("are removed once it is %s, whoever left them", async (state) => {
    if (state === "cached") leave(name, content);
    leave(ofAnother);
    leave(`${ofAnother}.999999999.${machine}.1`);
    if (state === "cached") {
      leave(part);
      leave(`${part}.999999999.${machine}.0`, Buffer.of());
    }
    leave(`${part}.1.elsewhere.2`);
    utimesSync(join(folder, `${part}.1.elsewhere.2`), 1, 1);
    expect(await pull()).toEqual([state === "cached" ? "cached" : "resumed"]);
    expect(readdirSync(folder)).toEqual([name]);
  });

  it("stay while a running process fills them, here or on another machine", async () => {
    leave(name, content);
    const held = [`${part}.${heldBy()}`, `${ofAnother}.${heldBy()}`, `${part}.1.elsewhere.0`];
    for (const path of held) leave(path);
    expect(await pull()).toEqual(["cached"]);
    expect(readdirSync(folder)).toEqual([name, ...held].sort());
  });

  it("stay where they are not parts of it", async () => {
    leave(name, content);
    const others = [`x${part}`, `${part}ner`, `${name}.part`, `${name}.download.part`];
    for (const path of others) leave(path);
    await pull();
    expect(readdirSync(folder)).toEqual([name, ...others].sort());
  });

  it("fail no pull where they cannot be removed", async () => {
    leave(name, content);
    leave(part);
    const readOnly = Object.assign(new Error("EROFS: read-only file system, rename"), {
      code: "EROFS",
      syscall: "rename",
    });
    const { files } = world.ports;
    const ports = {
      ...world.ports,
      files: {
        ...files,
        rename: async (...[from, to]: Parameters<typeof files.rename>) => {
          if (String(from).endsWith(".part")) throw readOnly;
          await files.rename(from, to);
        },
      },
    };
    const { files: pulled } = await pullModels(lock, ports, { out: join(world.folder, "volume") });
    expect(pulled).toMatchObject([{ state: "cached" }]);
    expect(readdirSync(folder)).toEqual([name, part].sort());
  });
});
