import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { IntegrityError, RemoteError, UsageError } from "../../src/errors.ts";
import type { CompleteLock, Lock } from "../../src/models/lock.ts";
import { formatLock, lockTag } from "../../src/models/lock-text.ts";
import { type PullOptions, pullModels } from "../../src/models/pull.ts";
import { pushModels } from "../../src/models/push.ts";
import { type VerifyOptions, verifyModels } from "../../src/models/verify.ts";
import { corruptAt, disconnectAfter, stallAfter } from "../fakes/faults.ts";
import { startRegistry } from "../fakes/registry.ts";
import { type Contents, openLock, publish, startWorld, type World, weights } from "./world.ts";

jest.setTimeout(60_000);

const one: Contents = {
  "model.safetensors": weights(1_300_000),
  "sub/config.json": Buffer.from("{}"),
  "sub/other.json": Buffer.from("[]"),
};
const two: Contents = { "b.safetensors": weights(900_000, 2) };

let world: World;
let lock: Lock;
let out: string;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  world = await startWorld({ idleTimeout: 500 });
  lock = openLock(await publish(world, "one", one), await publish(world, "two", two));
  out = join(world.folder, "volume");
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await world.close();
});

const pull = (options: Partial<PullOptions> = {}, what = lock) =>
  pullModels(what, world.ports, { out, ...options });
const states = ({ files }: Awaited<ReturnType<typeof pull>>) => files.map(({ state }) => state);
const found = () =>
  readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1))
    .sort();
const all = [
  "models.lock.json",
  "one/model.safetensors",
  "one/sub/config.json",
  "one/sub/other.json",
  "two/b.safetensors",
];
const expectWhole = () => {
  expect(found()).toEqual(all);
  for (const [name, contents] of Object.entries({ one, two }))
    for (const [path, bytes] of Object.entries(contents))
      expect(readFileSync(join(out, name, path)).equals(bytes)).toBe(true);
};

describe("pulling models into a folder", () => {
  it("gives every file, readable by others, and the lock last", async () => {
    const pulled = await pull();
    expectWhole();
    expect(pulled).toMatchObject({ bytes: 2_200_004, bytesRead: 2_200_004 });
    expect(statSync(join(out, "one/model.safetensors")).mode & 0o777).toBe(0o644);
    expect(readFileSync(join(out, "models.lock.json"), "utf8")).toBe(formatLock(lock));
    expect(world.messages).toContain("one/model.safetensors (checksum verified)");
  });

  it("reads nothing again that is there and right", async () => {
    await pull();
    const again = await pull();
    expect(states(again)).toEqual(["cached", "cached", "cached", "cached"]);
    expect(again.bytesRead).toBe(0);
    expect(world.messages).toContain("two/b.safetensors (cached, checksum valid)");
  });

  it("replaces a file that is there and wrong, also one of the same size", async () => {
    await pull();
    const path = join(out, "two/b.safetensors");
    writeFileSync(path, Buffer.from(readFileSync(path)).fill(1, 5000, 5001));
    writeFileSync(join(out, "one/sub/config.json"), "longer than before");
    expect(states(await pull())).toEqual(["cached", "pulled", "cached", "pulled"]);
    expectWhole();
  });

  it("goes on with what an interrupted pull left", async () => {
    world.faults.push({ path: "/cdn/", does: stallAfter(800_000) });
    const stop = new AbortController();
    const update = (done: number) => {
      if (done >= 300_000) stop.abort(new Error("told to stop"));
    };
    const log = { ...world.log, progress: () => ({ update, end: () => undefined }) };
    const work = pullModels(
      lock,
      { ...world.ports, log },
      { out, concurrency: 1, signal: stop.signal },
    );
    await expect(work).rejects.toThrow("told to stop");
    expect(existsSync(join(out, "one/model.safetensors"))).toBe(false);
    expect(existsSync(join(out, "models.lock.json"))).toBe(false);
    world.faults.splice(0);
    const again = await pull();
    expect(again.files[0]).toMatchObject({ state: "resumed" });
    expect(again.bytesRead).toBeLessThan(2_000_000);
    expectWhole();
  });

  it("begins anew when what was left is wrong", async () => {
    const [file] = lock.models[0]?.files ?? [];
    const part = join(out, `one/model.safetensors.${file?.sha256.slice(0, 12)}.part`);
    mkdirSync(dirname(part), { recursive: true });
    writeFileSync(part, Buffer.alloc(1_300_000, 7));
    expect(states(await pull())[0]).toBe("pulled");
    expectWhole();
  });

  it("takes over the part of a process that was killed, not that of one that runs", async () => {
    const child = spawn("sleep", ["60"]);
    const prefix = join(
      out,
      `one/model.safetensors.${lock.models[0]?.files[0]?.sha256.slice(0, 12)}.part`,
    );
    const machine = (await import("node:os")).hostname().replaceAll(/[^A-Za-z0-9-]/g, "-");
    mkdirSync(dirname(prefix), { recursive: true });
    const half = one["model.safetensors"]?.subarray(0, 600_000) ?? "";
    writeFileSync(`${prefix}.${child.pid}.${machine}.0`, half);
    expect(states(await pull())[0]).toBe("pulled");
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    writeFileSync(join(out, "one/model.safetensors"), "");
    expect(states(await pull())[0]).toBe("resumed");
    expectWhole();
  });

  it("is safe for two at once", async () => {
    await Promise.all([pull(), pull({ concurrency: 1 }), pull()]);
    expectWhole();
  });

  it("publishes nothing of a file with other bytes, and a repeat completes it", async () => {
    world.faults.push({ path: "/cdn/nsn/two", does: corruptAt(500_000) });
    await expect(pull()).rejects.toBeInstanceOf(IntegrityError);
    expect(found().filter((path) => path.startsWith("two"))).toEqual([]);
    expect(existsSync(join(out, "models.lock.json"))).toBe(false);
    world.faults.splice(0);
    await pull();
    expectWhole();
  });

  it("says so when the disk is full, and keeps what it has", async () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
      syscall: "write",
    });
    const files = {
      ...world.ports.files,
      open: async (...args: Parameters<typeof open>) => {
        const handle = await open(...args);
        if (args[1] === "w+") handle.write = () => Promise.reject(full);
        return handle;
      },
    };
    const failure = await pullModels(lock, { ...world.ports, files }, { out }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(RemoteError);
    expect(String(failure)).toMatch(/the disk is full/);
    await pull();
    expectWhole();
  });
});

describe("pulling from an image", () => {
  let completed: CompleteLock;
  const image = async (host?: string) => {
    const store = world.store(host === undefined ? undefined : `${host}/nsn/director`);
    completed = (await pushModels(lock, { ...world.ports, store }, { platforms: ["linux/amd64"] }))
      .lock;
    return { store, reference: lockTag(lock) };
  };

  it.each(["layout", "registry"])(
    "in a %s gives the same folder, whether the lock is open or complete",
    async (kind) => {
      const registry = await startRegistry({ redirectBlobs: true });
      closing.push(() => registry.close());
      const at = await image(kind === "registry" ? registry.host : undefined);
      const requests = world.hub.requests.length;
      for (const what of [lock, completed]) {
        out = join(world.folder, `volume-${what.layers === undefined}`);
        expect((await pull({ image: at }, what)).bytesRead).toBe(2_200_004);
        expectWhole();
      }
      expect(world.hub.requests.length).toBe(requests);
    },
  );

  it("goes on in mid-file when the registry's connection breaks", async () => {
    const faults = [{ method: "GET", path: "/blobs/", nth: 2, does: disconnectAfter(300_000) }];
    const registry = await startRegistry({}, faults);
    closing.push(() => registry.close());
    await pull({ image: await image(registry.host) }, completed);
    expectWhole();
  });

  it("refuses an image that is not there, or that has other files", async () => {
    const at = await image();
    await expect(pull({ image: { ...at, reference: "models-none" } })).rejects.toBeInstanceOf(
      UsageError,
    );
    const other = openLock(await publish(world, "two", { "b.safetensors": weights(900_000, 3) }));
    await expect(pull({ image: at }, other)).rejects.toThrow(
      /two\/b\.safetensors: .* is another one/,
    );
  });
});

describe("verifying", () => {
  const verify = (options: VerifyOptions) => verifyModels(lock, world.ports, options);

  it("passes a folder with the lock's bytes, and names each file that has not", async () => {
    await pull();
    expect((await verify({ folder: out })).verdict).toBe("passed");
    const path = join(out, "two/b.safetensors");
    writeFileSync(path, Buffer.from(readFileSync(path)).fill(1, 5000, 5001));
    writeFileSync(join(out, "one/sub/config.json"), "longer");
    const { verdict, files } = await verifyModels(
      {
        ...lock,
        models: lock.models.map((model) => ({
          ...model,
          files: [...model.files, { path: "gone", size: 1, sha256: "0".repeat(64) }],
        })),
      },
      world.ports,
      { folder: out },
    );
    expect(verdict).toBe("failed");
    expect(
      files
        .filter((file) => file.verdict === "failed")
        .map(({ file, reason }) => [file, reason?.slice(0, 12)]),
    ).toEqual(
      [
        ["one/sub/config.json", "has 6 bytes,"],
        ["one/gone", "is not there"],
        ["two/b.safetensors", "has sha256 4"],
        ["two/gone", "is not there"],
      ].map(([file, reason]) => [
        file,
        file === "two/b.safetensors" ? expect.stringMatching(/^has sha256/) : reason,
      ]),
    );
  });

  it("reads every byte of an image, and names the files of a layer that was changed", async () => {
    const store = world.store();
    const { lock: completed } = await pushModels(
      lock,
      { ...world.ports, store },
      { platforms: ["linux/amd64"] },
    );
    const image = { store, reference: lockTag(lock) };
    expect((await verify({ image })).verdict).toBe("passed");
    const blob = join(
      world.folder,
      "store/blobs/sha256",
      completed.layers[1]?.digest.slice(7) ?? "",
    );
    const bytes = readFileSync(blob);
    bytes[bytes.length - 1] = 1;
    writeFileSync(blob, bytes);
    const { verdict, files } = await verify({ image });
    expect(verdict).toBe("failed");
    expect(files.map(({ file, verdict: seen }) => [file, seen])).toEqual([
      ["one/model.safetensors", "passed"],
      ["one/sub/config.json", "passed"],
      ["one/sub/other.json", "passed"],
      ["two/b.safetensors", "failed"],
    ]);
  });
});
