import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { open } from "../stores/ports.ts";
import { type BadWorld, openWorld, refusal } from "./world.ts";

jest.setTimeout(120_000);

let world: BadWorld;
let lock: string;
beforeAll(async () => {
  world = await openWorld();
  lock = await readFile(join(world.desk.folder, "models.lock.json"), "utf8");
});
afterAll(() => world.close());

/** A disk of one megabyte that can grow. */
async function onSmallDisk(work: (folder: string, grow: () => void) => Promise<void>) {
  const folder = join(world.desk.folder, "small");
  mkdirSync(folder, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]);
  try {
    await work(folder, () => execFileSync("mount", ["-o", "remount,size=16m", folder]));
  } finally {
    execFileSync("umount", [folder]);
  }
}

describe("a full disk", () => {
  it("below a layout ends a push without a tag or a half blob, and a repeat completes", () =>
    onSmallDisk(async (folder, grow) => {
      const place = `oci:${folder}/layout`;
      const said = await world.push(place);
      expect(said.code).toBe(3);
      expect(refusal(said)).toMatch(/oci:.*cannot be written: the disk is full\..*Free some/s);
      expect(await readdir(join(folder, "layout/blobs/sha256"))).toEqual([]);
      expect(await open(place).tags()).toEqual([]);
      grow();
      expect((await world.push(place)).code).toBe(0);
      expect(await open(place).tags()).toEqual([expect.stringMatching(/^models-/)]);
    }));

  it("below a volume ends a pull, keeps what is there, and a repeat reads the rest only", () =>
    onSmallDisk(async (folder, grow) => {
      const args = ["models", "pull", "--out", `${folder}/models`, "--json"];
      const said = await world.desk.cli(args);
      expect(said.code).toBe(3);
      expect(refusal(said)).toMatch(/the disk is full\.\n.*Make room and run the same again/s);
      expect(await readdir(join(folder, "models/big"))).not.toContain("weights.safetensors");
      grow();
      const again = await world.desk.cli(args);
      expect(again.code).toBe(0);
      expect(JSON.parse(again.stdout).bytesRead).toBeLessThan(1_600_000);
    }));

  it("below the lock ends models lock and leaves the lock that was there", () =>
    onSmallDisk(async (folder) => {
      await writeFile(join(folder, "models.lock.json"), lock);
      await writeFile(join(folder, "filler"), Buffer.alloc(2 ** 20)).catch(() => undefined);
      const said = await world.desk.cli(["models", "lock", "--lock", `${folder}/models.lock.json`]);
      expect(said.code).toBe(3);
      expect(refusal(said)).toMatch(/refused: ENOSPC/);
      expect(await readFile(join(folder, "models.lock.json"), "utf8")).toBe(lock);
      expect((await readdir(folder)).sort()).toEqual(["filler", "models.lock.json"]);
    }));
});
