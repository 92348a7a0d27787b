import { describe, expect, it } from "@jest/globals";
import { UsageError } from "../../src/errors.ts";
import type { Lock, LockedFile, LockedLayer, LockedModel } from "../../src/models/lock.ts";
import { parseLock } from "../../src/models/lock-parse.ts";
import { formatLock } from "../../src/models/lock-text.ts";
import { packFiles } from "../../src/models/pack.ts";
import { bakedLayers, planModels } from "../../src/models/plan.ts";
import { sha256 } from "./world.ts";

const MiB = 2 ** 20;
const GB = 10 ** 9;

const file = (path: string, size: number, content = path): LockedFile => ({
  path,
  size,
  sha256: sha256(Buffer.from(content)),
});
const model = (
  name: string,
  files: LockedFile[],
  delivery: "bake" | "mount" = "bake",
): LockedModel => ({
  name,
  title: name,
  delivery,
  source: { url: "https://cdn.example/" },
  files,
});
const root = "/models";
const ids = (
  models: readonly LockedModel[],
  previous?: { models: LockedModel[]; layers: LockedLayer[] },
) => packFiles(models, { root, previous }).map(({ files }) => files.map(({ id }) => id));
const locked = (models: LockedModel[]): { models: LockedModel[]; layers: LockedLayer[] } => ({
  models,
  layers: packFiles(models, { root }).map(({ size, files }, at) => ({
    digest: `sha256:${String(at).padStart(64, "0")}`,
    size,
    files: files.map(({ id }) => id),
  })),
});

describe("packing", () => {
  it("gives files of 64 MiB or more a layer of their own, the largest first, and bundles the others per model", () => {
    const models = [
      model("a", [
        file("s1", 1),
        file("l1", 64 * MiB),
        file("s2", 64 * MiB - 1),
        file("l2", 65 * MiB),
      ]),
      model("b", [file("z", 3), file("y", 2)]),
    ];
    expect(ids(models)).toEqual([["a/l2"], ["a/l1"], ["a/s1", "a/s2"], ["b/y", "b/z"]]);
  });

  it("keeps unchanged layers where they are and puts what is new or changed last", () => {
    const before = [
      model("a", [file("large", 100 * MiB), file("small", 1)]),
      model("b", [file("large", 100 * MiB)]),
    ];
    const after = [
      model("new", [file("x", 5)]),
      model("a", [file("large", 100 * MiB, "changed"), file("small", 1)]),
      model("b", [file("large", 100 * MiB)]),
    ];
    const previous = locked(before);
    expect(ids(after, previous)).toEqual([["a/small"], ["b/large"], ["new/x"], ["a/large"]]);
    expect(packFiles(after, { root, previous }).map(({ digest }) => digest?.slice(-1))).toEqual([
      "1",
      "2",
      undefined,
      undefined,
    ]);
  });

  it("packs a bundle anew when one of its files changed or went", () => {
    const previous = locked([model("a", [file("x", 1), file("y", 1)])]);
    expect(packFiles([model("a", [file("x", 1)])], { root, previous })[0]?.digest).toBeUndefined();
  });

  it("joins neighbours when there would be more than 40, evenly, and never what is baked with what is mounted", () => {
    const files = Array.from({ length: 60 }, (_, at) =>
      file(`f${String(at).padStart(2, "0")}`, 100 * MiB),
    );
    const layers = packFiles([model("a", files), model("b", [file("x", 1)], "mount")], { root });
    expect(layers.length).toBeLessThanOrEqual(40);
    expect(Math.max(...layers.map(({ files: { length } }) => length))).toBe(2);
    expect(layers.at(-1)?.files.map(({ id }) => id)).toEqual(["b/x"]);
  });

  it("refuses more than 40 layers that cannot be joined, with the count", () => {
    const files = Array.from({ length: 41 }, (_, at) => file(`f${at}`, 6 * GB));
    const pack = () => packFiles([model("a", files)], { root });
    expect(pack).toThrow(UsageError);
    expect(pack).toThrow("The models make 41 layers even with neighbours joined up to 10 GB");
  });

  it("holds every file exactly once, as the lock's own check wants it", () => {
    const models = [
      model(
        "a",
        Array.from({ length: 300 }, (_, at) => file(`d/${at}`, at * MiB)),
      ),
    ];
    const lock: Lock = { version: 1, root, models, layers: locked(models).layers };
    expect(() => parseLock(formatLock(lock), "lock")).not.toThrow();
  });
});

describe("a plan", () => {
  it("of 10,000 files and 350 GB takes less than a second", () => {
    const files = Array.from({ length: 10_000 }, (_, at) =>
      file(`shard-${at}.safetensors`, 35_000_000),
    );
    const text = formatLock({ version: 1, root, models: [model("large", files)] });
    const begun = performance.now();
    const plan = planModels(parseLock(text, "lock"));
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(plan).toMatchObject({ open: true, files: 10_000 });
    expect(plan.layers.length).toBeLessThanOrEqual(40);
    expect(plan.bytes).toBeGreaterThan(350 * GB);
  });

  it("refuses a file above the limit of the registry it goes to", () => {
    const lock: Lock = {
      version: 1,
      root,
      models: [model("flux", [file("nf4.safetensors", 11_484_555_394)])],
    };
    expect(() => planModels(lock, { name: "ghcr.io/nsn/director", layerLimit: 10 * GB })).toThrow(
      "flux/nf4.safetensors: its layer has 11,484,559,360 bytes, ghcr.io/nsn/director takes at most 10,000,000,000.",
    );
    expect(planModels(lock, { name: "here", layerLimit: undefined }).layers).toHaveLength(1);
  });
});

describe("the layers to bake", () => {
  const models = [model("a", [file("x", 1)]), model("b", [file("y", 1)], "mount")];
  const lock = { version: 1, root, ...locked(models) } as const;
  it.each([
    ["bake", ["a/x", "b/y"]],
    ["hybrid", ["a/x"]],
    ["mount", []],
  ] as const)("with delivery %s", (delivery, expected) => {
    expect(bakedLayers(lock, delivery).flatMap(({ files }) => files)).toEqual(expected);
  });
});
