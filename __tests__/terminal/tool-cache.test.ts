import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { folderToolCache } from "../../src/terminal/tool-cache.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tools-"));
  await mkdir(join(folder, "made"));
  await writeFile(join(folder, "made/tool"), "program");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("a tool is kept under its version, found again, and two that come at once are one", async () => {
  const cache = folderToolCache(join(folder, "cache"));
  expect(await cache.find("tool", "1")).toBeUndefined();
  const places = await Promise.all(
    [1, 2].map(() =>
      folderToolCache(join(folder, "cache")).keep(join(folder, "made"), "tool", "1"),
    ),
  );
  expect(new Set(places).size).toBe(1);
  expect(await cache.find("tool", "1")).toBe(places[0]);
  expect(await cache.find("tool", "2")).toBeUndefined();
  expect(await readFile(join(places[0] ?? "", "tool"), "utf8")).toBe("program");
});
