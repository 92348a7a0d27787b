import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { digestOf } from "../../src/images/digest.ts";
import { openJournal } from "../../src/models/journal.ts";
import { testPorts } from "../stores/ports.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "journal-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("A journal that cannot be written says so once, also to layers that end at the same time", async () => {
  await writeFile(join(folder, "a-file"), "");
  const ports = testPorts();
  const journal = await openJournal(join(folder, "a-file", "layers.txt"), "/models", ports);
  const layers = [1, 2, 3].map((size) => ({ digest: undefined, size, files: [] }));
  await Promise.all(layers.map((layer) => journal.add(layer, digestOf(`layer ${layer.size}`))));
  expect(ports.lines).toEqual([expect.stringContaining("layers.txt cannot be written")]);
});
