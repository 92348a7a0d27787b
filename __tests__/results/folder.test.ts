import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { UsageError } from "../../src/errors.ts";
import { files } from "../../src/host/files.ts";
import { readResult, readResults, writeResult } from "../../src/results/folder.ts";
import { buildResult, prepareResult } from "../../src/results/stages.ts";
import { type Desk, openDesk } from "../commands/program.ts";

let folder: string;
let file: string;
let desk: Desk;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "results-"));
  file = join(folder, "file");
  await writeFile(file, "no folder");
  desk = await openDesk();
});
afterAll(async () => {
  await desk.remove();
  await rm(folder, { recursive: true });
});

it.each([
  ["reading a result", (place: string) => readResult(files, place, "prepare", prepareResult)],
  ["reading results", (place: string) => readResults(files, place, "build", buildResult)],
  ["writing a result", (place: string) => writeResult(files, place, "prepare", {})],
])(
  "%s where the folder is a file, or below one, is a UsageError that names it",
  async (_, does) => {
    for (const place of [file, join(file, "below")]) {
      const failing = does(place);
      await expect(failing).rejects.toThrow(UsageError);
      await expect(failing).rejects.toThrow(`results: ${place} is not a folder.`);
    }
  },
);

it("a folder that is not there has no results", async () => {
  const place = join(folder, "none");
  expect(await readResult(files, place, "prepare", prepareResult)).toBeUndefined();
  expect(await readResults(files, place, "build", buildResult)).toEqual([]);
});

it.each([
  ["promote", ["promote", `oci:x@sha256:${"0".repeat(64)}`, "--tag", "a"]],
  ["run", ["run", "--image", "oci:x", "--models", ""]],
])("%s --results FILE is wrong usage", async (_, args) => {
  const said = await desk.cli([...args, "--results", file]);
  expect(said.code).toBe(2);
  expect(said.stderr).toContain(`results: ${file} is not a folder.`);
});
