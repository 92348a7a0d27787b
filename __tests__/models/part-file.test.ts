import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { files } from "../../src/host/files.ts";
import { claimPart } from "../../src/models/part-file.ts";
import { thisProcess } from "../../src/owner.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parts-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sha256 = "0123456789ab".padEnd(64, "0");
const claim = () => claimPart(join(folder, "model"), sha256, { files, clock: Date });
const partOf = (owner: string) => join(folder, `model.0123456789ab.part.${owner}.0a1b2c3d`);

describe("A part of a file", () => {
  it("of an earlier container, in which a process had our id, is taken over at once", async () => {
    await writeFile(partOf(`${thisProcess().replace(/\.\d+$/, "")}.1`), "half");
    const part = await claim();
    expect(part.size).toBe(4);
    await part.finish();
    expect(await readdir(folder)).toEqual(["model"]);
    expect(await readFile(join(folder, "model"), "utf8")).toBe("half");
  });

  it("that this process fills already is left to it", async () => {
    await writeFile(partOf(thisProcess()), "half");
    expect((await claim()).size).toBe(0);
    expect(await readFile(partOf(thisProcess()), "utf8")).toBe("half");
  });

  it("of another machine is left to it", async () => {
    await writeFile(partOf("1.another-machine.1"), "half");
    expect((await claim()).size).toBe(0);
  });
});
