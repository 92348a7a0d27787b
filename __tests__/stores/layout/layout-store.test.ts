import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { IntegrityError, RemoteError } from "../../../src/errors.ts";
import { files } from "../../../src/host/files.ts";
import { thisProcess } from "../../../src/owner.ts";
import type { Files } from "../../../src/ports/files.ts";
import { blob, collect, indexOf, open, putImage, testPorts } from "../ports.ts";

// Real programs on a machine that may be busy with other tests.
jest.setTimeout(60_000);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "layout-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const store = (changed: Partial<Files> = {}) =>
  open(`oci:${folder}`, {}, { ...testPorts(), files: { ...files, ...changed } });
const listed = async () =>
  JSON.parse(await readFile(join(folder, "index.json"), "utf8")).manifests as {
    digest: string;
    annotations?: Record<string, string>;
  }[];
const leftovers = async () =>
  (await readdir(folder, { recursive: true })).filter((name) =>
    /partial|lock$|json\.|\.lock/.test(name),
  );

describe("A layout on disk", () => {
  it("is one that other tools read", async () => {
    const manifests = [await putImage(store(), [blob(10).source]), await putImage(store(), [])];
    await store().putManifest(indexOf(manifests), "v1");
    expect(JSON.parse(await readFile(join(folder, "oci-layout"), "utf8"))).toEqual({
      imageLayoutVersion: "1.0.0",
    });
    expect(await listed()).toMatchObject([
      { annotations: { "org.opencontainers.image.ref.name": "v1" } },
    ]);
    const { stdout, code } = await testPorts().exec("skopeo", [
      "inspect",
      "--raw",
      `oci:${folder}:v1`,
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).manifests).toHaveLength(2);
  });

  it("lists an untagged image once, by its top", async () => {
    const manifest = await putImage(store(), []);
    expect(await listed()).toMatchObject([{ digest: manifest.digest }]);
    const index = indexOf([manifest]);
    await store().putManifest(index);
    await store().putManifest(manifest);
    expect(await listed()).toMatchObject([{ digest: index.digest }]);
    expect((await store().readManifest(manifest.digest))?.mediaType).toBe(manifest.mediaType);
  });

  it("leaves nothing behind of a blob that fails", async () => {
    const { source } = blob(1000);
    const failing = store().putBlob({
      ...source,
      open: async function* () {
        yield Buffer.alloc(500);
        throw new RemoteError("The hub is gone.");
      },
    });
    await expect(failing).rejects.toThrow("The hub is gone.");
    expect(await leftovers()).toEqual([]);
  });

  it("does not write a blob that it has", async () => {
    const { source } = blob(1000);
    await store().putBlob(source);
    expect((await store().putBlob(source)).bytesSent).toBe(0);
  });

  it.each([
    ["a blob", "write"],
    ["the end of a blob", "sync"],
  ] as const)("says in one sentence that the disk is full: %s", async (_, method) => {
    const full = () => Promise.reject(Object.assign(new Error("ENOSPC"), { code: "ENOSPC" }));
    const openFull: Files["open"] = async (...args) =>
      Object.assign(await files.open(...args), { [method]: full });
    const put = store({ open: openFull }).putBlob(blob(2_000_000).source);
    await expect(put).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(
        /^oci:.*: weights.safetensors \(2,000,000 bytes\) cannot be written: the disk is full\.$/,
      ),
      todo: expect.stringContaining("Free some space"),
    });
    expect(await leftovers()).toEqual([]);
  });

  it("says that the disk is full also where the index is written, and keeps the old one", async () => {
    const before = await putImage(store(), [], "v1");
    const full = () => Promise.reject(Object.assign(new Error("ENOSPC"), { code: "ENOSPC" }));
    const openFull: Files["open"] = async (path, ...args) => {
      const file = await files.open(path, ...args);
      return String(path).includes("index.json") ? Object.assign(file, { sync: full }) : file;
    };
    const broken = store({ open: openFull });
    await expect(putImage(broken, [], "v1")).rejects.toThrow(
      "index.json cannot be written: the disk is full.",
    );
    expect(await store().manifestDigest("v1")).toBe(before.digest);
    expect(await leftovers()).toEqual([]);
    await putImage(store(), [], "v1");
  });

  it("does not believe a blob that was changed on the disk", async () => {
    const { source, digest } = blob(1000);
    await store().putBlob(source);
    await writeFile(join(folder, "blobs", "sha256", digest.slice(7)), Buffer.alloc(1000));
    await expect(collect(store().readBlob(digest))).rejects.toThrow(IntegrityError);
  });

  it("does not believe a manifest that was changed on the disk", async () => {
    const { digest } = await putImage(store(), [], "v1");
    await writeFile(join(folder, "blobs", "sha256", digest.slice(7)), "{}");
    await expect(store().readManifest("v1")).rejects.toThrow(IntegrityError);
  });

  it("refuses an index.json that is none", async () => {
    await writeFile(join(folder, "index.json"), "[]");
    await expect(store().tags()).rejects.toThrow("is not the index of an OCI image layout");
  });

  it("takes writers of other processes at the same time", async () => {
    const script = fileURLToPath(new URL("./tag-many.ts", import.meta.url));
    const node = join(import.meta.dirname, "..", "..", "..", "node_modules", ".bin", "node");
    const writer = (name: string) =>
      new Promise<void>((resolve, reject) => {
        const child = spawn(node, [script, folder, name], {
          stdio: ["ignore", "ignore", "inherit"],
        });
        child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`exit ${code}`))));
      });
    await Promise.all(["a", "b", "c"].map(writer));
    const wanted = ["a", "b", "c"].flatMap((name) =>
      Array.from({ length: 10 }, (_, at) => `${name}${at}`),
    );
    expect([...(await store().tags())].sort()).toEqual(wanted.sort());
    expect(await leftovers()).toEqual([]);
  });
});

describe("A lock that a process left behind", () => {
  const lock = () => join(folder, ".index.lock");
  const [, machine] = thisProcess().split(".");

  it.each([
    ["that process is gone", (gone: number) => `${gone}.${machine}.1`],
    ["it had our id in an earlier container", () => `${process.pid}.${machine}.1`],
  ])("is taken over where %s", async (_, owner) => {
    const gone = spawn("true");
    await new Promise((resolve) => gone.once("exit", resolve));
    await writeFile(lock(), owner(gone.pid ?? 0));
    const begun = Date.now();
    await putImage(store(), [], "v1");
    expect(Date.now() - begun).toBeLessThan(20_000);
    expect(await store().tags()).toEqual(["v1"]);
  });

  it("is taken over where it is old, whoever left it", async () => {
    await writeFile(lock(), "1.another-machine");
    const old = new Date(Date.now() - 31_000);
    await utimes(lock(), old, old);
    await putImage(store(), [], "v1");
    expect(await store().tags()).toEqual(["v1"]);
  });

  it("is respected as long as that process lives, then given up with a sentence", async () => {
    await writeFile(lock(), thisProcess());
    const ports = testPorts();
    let now = Date.now();
    const clock = {
      ...ports.clock,
      now: () => {
        now += 100;
        return now - 70_000;
      },
    };
    const waiting = open(`oci:${folder}`, {}, { ...ports, clock });
    await expect(putImage(waiting, [], "v1")).rejects.toThrow(
      "held by another process for a minute",
    );
    expect(await readFile(lock(), "utf8")).toBe(thisProcess());
  });
});

describe("Half-written blobs", () => {
  it("of processes that are gone are removed, others are left", async () => {
    const gone = spawn("true");
    await new Promise((resolve) => gone.once("exit", resolve));
    await putImage(store(), []);
    const blobs = join(folder, "blobs", "sha256");
    const [, machine] = thisProcess().split(".");
    const id = "123e4567-e89b-12d3-a456-426614174000";
    const owners = [gone.pid, process.pid].map((pid) => `${pid}.${machine}.1`);
    const names = [...owners, thisProcess(), "1.another-machine.1"].map(
      (owner) => `.partial-${owner}-${id}`,
    );
    for (const name of names) await writeFile(join(blobs, name), "half");
    await store().putBlob(blob(10).source);
    const left = (await readdir(blobs)).filter((name) => name.startsWith(".partial"));
    expect(left.sort()).toEqual(names.slice(2).sort());
  });
});

describe("A folder that cannot be written", () => {
  it("is said in one sentence", async () => {
    const refused = (): Promise<never> =>
      Promise.reject(Object.assign(new Error("EACCES"), { code: "EACCES" }));
    const put = store({ mkdir: refused }).putBlob(blob(10).source);
    await expect(put).rejects.toThrow("cannot be written: permission denied.");
  });
});
