import { readFile } from "node:fs/promises";
import { expect, it } from "@jest/globals";
import { outputsOf } from "../../src/report/outputs.ts";
import { digests, results } from "./results.ts";

it("the outputs are what later steps need, and only what is known", () => {
  expect(outputsOf(results)).toMatchObject({
    digest: digests.image,
    ref: `ghcr.io/nsn/director@${digests.image}`,
    version: "1.2.3",
    tags: "1.2.3\nlatest",
    platforms: '["linux/amd64"]',
    "models-digest": digests.models,
    "runtime-digests": JSON.stringify({ "linux/amd64": digests.runtime }),
  });
  const nothing = outputsOf({ build: [], scan: [], accept: [] });
  expect(Object.keys(nothing)).not.toContain("digest");
  expect(Object.values(nothing)).not.toContain("undefined");
});

it("every output is declared in action.yml", async () => {
  const declared = (await readFile("action.yml", "utf8")).split(/^outputs:$/m)[1] ?? "";
  for (const name of Object.keys(outputsOf(results)))
    expect(declared).toMatch(new RegExp(`^  ${name}:`, "m"));
});
