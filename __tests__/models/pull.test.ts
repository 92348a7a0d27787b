import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { IntegrityError, RemoteError } from "../../src/errors.ts";
import { formatLock } from "../../src/models/lock-text.ts";
import { type PulledModels, pullModels } from "../../src/models/pull.ts";
import { corruptAt, stallAfter } from "../fakes/faults.ts";
import { one, pulling } from "./pulling.ts";

const given = pulling();
const states = ({ files }: PulledModels) => files.map(({ state }) => state);

describe("pulling models into a folder", () => {
  it("gives every file, readable by others, and the lock last", async () => {
    const pulled = await given.pull();
    given.expectWhole();
    expect(pulled).toMatchObject({ bytes: 2_200_004, bytesRead: 2_200_004 });
    expect(statSync(join(given.out, "one/model.safetensors")).mode & 0o777).toBe(0o644);
    expect(readFileSync(join(given.out, "models.lock.json"), "utf8")).toBe(formatLock(given.lock));
    expect(given.world.messages).toContain("one/model.safetensors (checksum verified)");
  });

  it("reads nothing again that is there and right", async () => {
    await given.pull();
    const again = await given.pull();
    expect(states(again)).toEqual(["cached", "cached", "cached", "cached"]);
    expect(again.bytesRead).toBe(0);
    expect(given.world.messages).toContain("two/b.safetensors (cached, checksum valid)");
  });

  it("replaces a file that is there and wrong, also one of the same size", async () => {
    await given.pull();
    const path = join(given.out, "two/b.safetensors");
    writeFileSync(path, Buffer.from(readFileSync(path)).fill(1, 5000, 5001));
    writeFileSync(join(given.out, "one/sub/config.json"), "longer than before");
    expect(states(await given.pull())).toEqual(["cached", "pulled", "cached", "pulled"]);
    given.expectWhole();
  });

  it("goes on with what an interrupted pull left", async () => {
    given.world.faults.push({ path: "/cdn/", does: stallAfter(800_000) });
    const stop = new AbortController();
    const update = (done: number) => {
      if (done >= 300_000) stop.abort(new Error("told to stop"));
    };
    const log = { ...given.world.log, progress: () => ({ update, end: () => undefined }) };
    const work = pullModels(
      given.lock,
      { ...given.world.ports, log },
      { out: given.out, concurrency: 1, signal: stop.signal },
    );
    await expect(work).rejects.toThrow("told to stop");
    expect(existsSync(join(given.out, "one/model.safetensors"))).toBe(false);
    expect(existsSync(join(given.out, "models.lock.json"))).toBe(false);
    given.world.faults.splice(0);
    const again = await given.pull();
    expect(again.files[0]).toMatchObject({ state: "resumed" });
    expect(again.bytesRead).toBeLessThan(2_000_000);
    given.expectWhole();
  });

  it("begins anew when what was left is wrong", async () => {
    const [file] = given.lock.models[0]?.files ?? [];
    const part = join(given.out, `one/model.safetensors.${file?.sha256.slice(0, 12)}.part`);
    mkdirSync(dirname(part), { recursive: true });
    writeFileSync(part, Buffer.alloc(1_300_000, 7));
    expect(states(await given.pull())[0]).toBe("pulled");
    given.expectWhole();
  });

  it("takes over the part of a process that was killed, not that of one that runs", async () => {
    const child = spawn("sleep", ["60"]);
    const prefix = join(
      given.out,
      `one/model.safetensors.${given.lock.models[0]?.files[0]?.sha256.slice(0, 12)}.part`,
    );
    const machine = (await import("node:os")).hostname().replaceAll(/[^A-Za-z0-9-]/g, "-");
    mkdirSync(dirname(prefix), { recursive: true });
    const half = one["model.safetensors"]?.subarray(0, 600_000) ?? "";
    writeFileSync(`${prefix}.${child.pid}.${machine}.0`, half);
    expect(states(await given.pull())[0]).toBe("pulled");
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    writeFileSync(join(given.out, "one/model.safetensors"), "");
    expect(states(await given.pull())[0]).toBe("resumed");
    given.expectWhole();
  });

  it("is safe for two at once", async () => {
    await Promise.all([given.pull(), given.pull({ concurrency: 1 }), given.pull()]);
    given.expectWhole();
  });

  it("publishes nothing of a file with other bytes, and a repeat completes it", async () => {
    given.world.faults.push({ path: "/cdn/nsn/two", does: corruptAt(500_000) });
    await expect(given.pull()).rejects.toBeInstanceOf(IntegrityError);
    expect(given.found().filter((path) => path.startsWith("two"))).toEqual([]);
    expect(existsSync(join(given.out, "models.lock.json"))).toBe(false);
    given.world.faults.splice(0);
    await given.pull();
    given.expectWhole();
  });

  it("says so when the disk is full, and keeps what it has", async () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
      syscall: "write",
    });
    const files = {
      ...given.world.ports.files,
      open: async (...args: Parameters<typeof open>) => {
        const handle = await open(...args);
        if (args[1] === "w+") handle.write = () => Promise.reject(full);
        return handle;
      },
    };
    const failure = await pullModels(
      given.lock,
      { ...given.world.ports, files },
      { out: given.out },
    ).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RemoteError);
    expect(String(failure)).toMatch(/the disk is full/);
    await given.pull();
    given.expectWhole();
  });
});
