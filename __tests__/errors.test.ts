import { execFile } from "node:child_process";
import { link, mkdir, mkdtemp, readFile, rm, rmdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ending } from "../src/errors.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "refusals-"));
  await writeFile(join(folder, "file"), "");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function ended(work: Promise<unknown>) {
  return ending(await work.catch((error: unknown) => error));
}

describe("What the file system refuses", () => {
  it.each<[string, string, (at: string) => Promise<unknown>]>([
    ["a file that is not there", "ENOENT", (at) => readFile(join(at, "absent"))],
    [
      "a folder whose name a file has",
      "EEXIST",
      (at) => mkdir(join(at, "file"), { recursive: true }),
    ],
    [
      "a folder below a file",
      "ENOTDIR",
      (at) => mkdir(join(at, "file/below"), { recursive: true }),
    ],
    ["a folder that is not empty", "ENOTEMPTY", (at) => rmdir(at)],
    ["a second file of one name", "EEXIST", (at) => link(join(at, "file"), join(at, "file"))],
    [
      "a link to itself",
      "ELOOP",
      async (at) => {
        await symlink("self", join(at, "self"));
        await readFile(join(at, "self"));
      },
    ],
  ])("is told with the path, and is no fault of our own: %s", async (_, code, work) => {
    const { text, exitCode } = await ended(work(folder));
    expect(text).toMatch(new RegExp(`^The disk or its file system refused: ${code}: .*${folder}`));
    expect(exitCode).toBe(3);
  });
});

describe("A fault of our own", () => {
  it.each<[string, () => Promise<unknown>]>([
    ["a wrong argument", async () => await readFile(undefined as unknown as string)],
    ["a program that nobody caught", () => promisify(execFile)("no-such-program-here")],
    [
      "a code without a path",
      async () => Promise.reject(Object.assign(new Error("x"), { code: "ENOENT" })),
    ],
    ["a value that is no error", async () => Promise.reject("EEXIST")],
  ])("stays one: %s", async (_, work) => {
    expect((await ended(work())).exitCode).toBe(70);
  });
});
