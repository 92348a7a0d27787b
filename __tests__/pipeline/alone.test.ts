import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { aloneIn, isSomebodyElses } from "../../src/pipeline/alone.ts";
import { testPorts } from "../stores/ports.ts";

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "alone-")), "results");
});
afterEach(() => rm(join(folder, ".."), { recursive: true }));

describe("work in a results folder", () => {
  it("is done by one at a time, and leaves nothing of its own behind", async () => {
    const ports = testPorts();
    const order: string[] = [];
    const inner = () => aloneIn(folder, async () => order.push("inner"), ports);
    await aloneIn(
      folder,
      async () => {
        await expect(inner()).rejects.toThrow("is using the results folder");
        order.push("outer");
      },
      ports,
    );
    await inner();
    expect(order).toEqual(["outer", "inner"]);
    expect(await readdir(folder)).toEqual([]);
  });

  it("leaves the folder to others when it fails", async () => {
    const fail = async () => {
      throw new Error("no");
    };
    await expect(aloneIn(folder, fail, testPorts())).rejects.toThrow("no");
    expect(await readdir(folder)).toEqual([]);
  });

  it("is refused where another user made the folder in a place for all", async () => {
    const { files, ...ports } = testPorts();
    const theirs = {
      ...files,
      lstat: (async (path: string) =>
        Object.assign(await files.lstat(path), { uid: 12_345 })) as typeof files.lstat,
      stat: (async (path: string) =>
        Object.assign(await files.stat(path), { mode: 0o41777 })) as typeof files.stat,
    };
    const work = async () => {
      throw new Error("it was done");
    };
    await expect(aloneIn(folder, work, { ...ports, files: theirs })).rejects.toThrow(
      "belongs to another user of this machine",
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ["another user's in /tmp", 1, 0o41777, true],
    ["one's own in /tmp", 1000, 0o41777, false],
    ["another user's in a folder of somebody's own", 1, 0o40755, false],
    ["another user's on a runner, whose folder all may write", 1, 0o40777, false],
  ])("looks at whose folder it is: %s", (_, uid, mode, expected) => {
    expect(isSomebodyElses({ uid }, { mode }, 1000)).toBe(expected);
  });
});
