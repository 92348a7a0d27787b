import { describe, expect, it } from "@jest/globals";
import type { FinalImage } from "../../../src/pipeline/verify/final-image.ts";
import { judgeImage } from "../../../src/pipeline/verify/policy.ts";
import type { Assembly } from "../../../src/pipeline/verify/statement.ts";
import {
  accepted,
  assembly,
  d,
  days,
  good,
  image,
  layers,
  lock,
  policy,
  problems,
  scanned,
  signed,
  withLayers,
  withPlatform,
} from "./judging.ts";

it("lets an image pass that is what its statements say", () => {
  expect(judgeImage(image, good, policy).map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
    "provenance passed",
    "runtime passed",
    "weights passed",
    "scan passed",
    "acceptance passed",
    "sbom passed",
  ]);
});

it.each<[string, FinalImage, Partial<Assembly>]>([
  ["mounts its weights", withLayers({ below: [] }), { delivery: "mount" }],
  [
    "knows no models",
    withPlatform({
      ...{ lock: undefined, modelsImage: undefined },
      layers: { below: [], diffIds: layers.diffIds, top: undefined, lockLayer: undefined },
    }),
    { files: [], models: undefined, lock: undefined },
  ],
])("lets an image pass that %s", (_, seen, more) => {
  expect(problems(seen, { ...good, provenance: [signed({ ...assembly, ...more })] })).toEqual([]);
});

it("lets an image pass whose layers were scanned again as another month's runtime image", () => {
  const platforms = scanned.platforms.map((one) => ({ ...one, digest: d("another month") }));
  const later = signed({ ...scanned, platforms }, days(1));
  const old = signed(scanned, days(80));
  expect(problems(image, { ...good, scan: [old, later] })).toEqual([]);
});

it("says what an acceptance left out", () => {
  const checks = [{ name: "gpu", verdict: "skipped" as const, reason: "no GPU" }];
  const said = { ...good, acceptance: [signed({ ...accepted, checks })] };
  const found = judgeImage(image, said, policy).find(({ name }) => name === "acceptance");
  expect(found).toMatchObject({ verdict: "passed", reason: "without gpu (no GPU)" });
});

describe("an image is refused", () => {
  it.each<[string, FinalImage, string]>([
    [
      "with a weight's layer swapped",
      withLayers({ below: [d("layer one"), d("evil")] }),
      `weights failed: its model layer ${d("evil")} is not one of the lock's`,
    ],
    [
      "with a weight's layer taken out",
      withLayers({ below: [d("layer one")] }),
      "weights failed: the lock's model layer ",
    ],
    [
      "with layers in another order",
      withLayers({ below: layers.below.toReversed() }),
      "weights failed: its model layers are not in the lock's order",
    ],
    [
      "with more in its last layer than the lock",
      withLayers({ top: d("lock and more") }),
      `weights failed: its last layer ${d("lock and more")} holds something else than the models lock alone`,
    ],
    [
      "with a lock that names other files than the assembly",
      withPlatform({
        lock: { ...lock, models: lock.models.map((one) => ({ ...one, name: `${one.name}x` })) },
      }),
      "weights failed: one/w: the assembly was of sha256 ",
    ],
    [
      "with a lock that names other layers than the assembly's",
      withPlatform({ lock: { ...lock, layers: lock.layers.toReversed() } }),
      "weights failed: its models lock is sha256:",
    ],
    [
      "with another models image in its label",
      withPlatform({ modelsImage: `ghcr.io/nsn/director@${d("old")}` }),
      `weights failed: its label names the models image ${d("old")}, the assembly ${d("models")}`,
    ],
    [
      "without its lock",
      withPlatform({ lock: undefined }),
      "weights failed: no models lock travels in it",
    ],
    [
      "with a layer that nobody scanned",
      withLayers({ diffIds: [...layers.diffIds, d("evil")] }),
      "runtime failed: its layers between weights and lock are not those that were scanned (diff_ids)",
    ],
    [
      "with another manifest for its platform",
      { ...image, index: [{ platform: "linux/amd64", digest: d("evil") }] },
      `provenance failed: it does not speak of ${d("evil")}, the image for linux/amd64`,
    ],
    [
      "with a platform more",
      { ...image, index: [...image.index, { platform: "linux/arm64", digest: d("evil") }] },
      `provenance failed: it does not speak of ${d("evil")}, the image for linux/arm64`,
    ],
  ])("%s", (_, seen, said) => {
    expect(problems(seen, good)).toEqual([expect.stringContaining(said)]);
  });

  it("whose layers nobody can tell apart", () => {
    const seen = withPlatform({ layers: undefined });
    expect(problems(seen, good).map((line) => line.split(":")[0])).toEqual([
      "runtime failed",
      "weights failed",
    ]);
  });
});
