import { readFile } from "node:fs/promises";
import { describe, expect, it } from "@jest/globals";
import { miniatureFiles, owner } from "../../examples/miniature/models.ts";

interface Model {
  readonly name: string;
  readonly title: string;
  readonly source: {
    readonly huggingface?: string;
    readonly revision?: string;
    readonly unset?: string;
  };
  readonly files: readonly string[];
}

const read = async (path: string) => JSON.parse(await readFile(path, "utf8"));
const spec: { models: Model[] } = await read("models.json");
const miniature: { models: Model[] } = await read("examples/miniature/models.json");
const lock: {
  models: {
    name: string;
    source: object;
    files: { path: string; size: number; sha256: string }[];
  }[];
} = await read("models.lock.json");

const names = [
  ["flux-schnell-nf4", "Flux-Schnell"],
  ["live-portrait-fp16", "LivePortrait"],
  ["kokoro-82m", "Kokoro-82M"],
  ["clip-vit-b-32", "CLIP-ViT-B-32"],
  ["clip-vit-l-14", "CLIP-ViT-L-14"],
];

const matcher = (glob: string) =>
  new RegExp(`^${glob.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`);

describe("the models' specs", () => {
  it.each([
    ["models.json", spec],
    ["the miniature's", miniature],
  ])("%s has the five models, their titles and their order", (_, { models }) => {
    expect(models.map(({ name, title }) => [name, title])).toEqual(names);
  });

  it("models.json says for Flux what to choose", () => {
    expect(spec.models[0]?.source).toEqual({ unset: expect.stringContaining("Choose") });
    for (const { source } of spec.models.slice(1))
      expect(source).toEqual({ huggingface: expect.any(String), revision: "main" });
  });

  it("the miniature's takes every file of its repositories but the cards, by globs that all match", () => {
    const paths = [...miniatureFiles()].map(([path]) => path);
    for (const { name, source, files } of miniature.models) {
      expect(source.huggingface).toBe(`${owner}/${name}`);
      const present = paths
        .filter((path) => path.startsWith(`${owner}/${name}/`))
        .map((path) => path.slice(owner.length + name.length + 2));
      const left = present.filter((path) => !files.some((glob) => matcher(glob).test(path)));
      expect(left).toEqual([".gitattributes", "README.md"]);
      for (const glob of files) expect(present.some((path) => matcher(glob).test(path))).toBe(true);
    }
  });
});

describe("models.lock.json", () => {
  it("is open", () => {
    expect(lock).not.toHaveProperty("layers");
  });

  it("pins a commit for each model and asks for files that models.json asks for", () => {
    expect(lock.models.map(({ name }) => name)).toEqual(names.slice(1).map(([name]) => name));
    for (const { name, source, files } of lock.models) {
      const asked = spec.models.find((model) => model.name === name);
      expect(source).toEqual({
        huggingface: asked?.source.huggingface,
        revision: expect.stringMatching(/^[0-9a-f]{40}$/),
      });
      for (const { path, size, sha256 } of files) {
        expect(asked?.files.some((glob) => matcher(glob).test(path))).toBe(true);
        expect(size).toBeGreaterThan(1e6);
        expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      }
    }
  });
});
