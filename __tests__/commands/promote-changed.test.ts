import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import { open } from "../stores/ports.ts";
import { type Desk, openDesk } from "./program.ts";
import { putRuntime } from "./runtime.ts";
import { writeSpec } from "./weights.ts";

jest.setTimeout(120_000);

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
  await writeSpec(desk);
  await must("models", "lock");
  await must("models", "push", "--to", "oci:images");
});
afterAll(() => desk.remove());

async function must(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await desk.cli(args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** Promotes the image of a version with more flags; what the command says. */
async function promote(version: string, ...more: readonly string[]) {
  const { digest } = await putRuntime(open(`oci:${desk.folder}/runtime`), version);
  const runtime = `oci:runtime@${digest}`;
  const made = await must("assemble", "--runtime", runtime, "--to", "oci:images", "--json");
  const results = `results-${version}`;
  await mkdir(join(desk.folder, results), { recursive: true });
  await desk.write(`${results}/assemble.json`, made);
  const image = `oci:images@${JSON.parse(made).digest}`;
  const flags = ["--results", results, "--allow-untested", "a test", "--json", ...more];
  return JSON.parse(await must("promote", image, ...flags));
}

it("promote --only-changed moves tags to what is new alone", async () => {
  expect(await promote("1", "--tag", "1.0", "--tag", "latest")).not.toHaveProperty("changes");
  expect(await promote("1", "--tag", "1.1", "--only-changed")).toMatchObject({
    changes: { changed: false, since: expect.stringMatching(/^latest@sha256:/) },
    tags: [
      { tag: "1.1", moved: true, why: expect.stringMatching(/^first, to the published image/) },
    ],
  });
  expect(await promote("2", "--tag", "1.1", "--only-changed")).toMatchObject({
    changes: { changed: true, platforms: [{ unchanged: false }, { unchanged: false }] },
    tags: [{ tag: "1.1", moved: true }],
  });
});
