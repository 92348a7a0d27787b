import { readFile } from "node:fs/promises";
import { expect, it } from "@jest/globals";
import { outputsOf } from "../../src/report/outputs.ts";
import { digests, results } from "./results.ts";

it("the outputs are what later steps need, and only what is known", () => {
  const scan = [{ verdict: "passed" as const, platforms: [] }];
  expect(outputsOf({ ...results, scan }, "/w/a.sarif")).toMatchObject({
    digest: digests.image,
    ref: `ghcr.io/nsn/director@${digests.image}`,
    version: "1.2.3",
    tags: "1.2.3",
    platforms: '["linux/amd64"]',
    "models-digest": digests.models,
    "sarif-file": "/w/a.sarif",
    "runtime-digests": JSON.stringify({ "linux/amd64": digests.runtime }),
  });
  const { promote: _, ...planned } = results;
  expect(outputsOf(planned, "/w/a.sarif")).toMatchObject({ tags: "1.2.3\nlatest" });
  const nothing = outputsOf({ build: [], scan: [], accept: [] }, "/w/a.sarif");
  expect(Object.keys(nothing)).not.toContain("digest");
  expect(Object.keys(nothing)).not.toContain("sarif-file");
  expect(Object.values(nothing)).not.toContain("undefined");
});

it("every output is declared in action.yml", async () => {
  const declared = (await readFile("action.yml", "utf8")).split(/^outputs:$/m)[1] ?? "";
  for (const name of Object.keys(outputsOf(results, "/w/a.sarif")))
    expect(declared).toMatch(new RegExp(`^  ${name}:`, "m"));
});
