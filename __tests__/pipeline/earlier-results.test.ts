import { expect, it } from "@jest/globals";
import type { StageName } from "../../src/config/input.ts";
import type { Platform } from "../../src/images/platform.ts";
import { artifactName, readBy } from "../../src/pipeline/earlier-results.ts";
import type { BuildResult, PrepareResult } from "../../src/results/stages.ts";
import { digests, results } from "../report/results.ts";

const three = ["linux/amd64", "linux/arm64", "linux/arm/v7"];

function planOf(platforms: readonly Platform[]): PrepareResult {
  return {
    ...(results.prepare as NonNullable<typeof results.prepare>),
    platforms: platforms.map((platform) => ({ platform, runner: "" })),
    push: false,
    finished: "2026-11-01T12:00:00.000Z",
  };
}

function buildOf(platforms: readonly Platform[], finished?: string): BuildResult {
  return {
    platforms: platforms.map((platform) => ({ platform, digest: digests.runtime, size: 1 })),
    repository: "oci:runtime",
    indexes: [],
    cached: false,
    ...(finished === undefined ? {} : { finished }),
  };
}

const after = "2026-11-01T12:30:00.000Z";
const builds = ["linux-amd64", "linux-arm64", "linux-arm-v7"].map((name) => `build-${name}`);

it.each<
  [string, StageName, string[], readonly Platform[], string[], readonly BuildResult[], string[]]
>([
  [
    "a scan of one platform: its build",
    "scan",
    ["linux/arm64"],
    three,
    builds,
    [],
    ["linux-arm64"],
  ],
  [
    "a scan of two: both builds",
    "scan",
    three.slice(0, 2),
    three,
    builds,
    [],
    ["linux-amd64", "linux-arm64"],
  ],
  [
    "a scan of one where all were built together",
    "scan",
    ["linux/arm64"],
    three,
    ["build"],
    [],
    [""],
  ],
  [
    "a scan of one where two of three were built together",
    "scan",
    ["linux/arm64"],
    three,
    ["build-linux-amd64-linux-arm64", "build-linux-arm-v7"],
    [],
    ["linux-amd64-linux-arm64"],
  ],
  [
    "a scan of the variant of a platform",
    "scan",
    ["linux/arm/v7"],
    three,
    builds,
    [],
    ["linux-arm-v7"],
  ],
  [
    "a scan after the build of the same job: nothing",
    "scan",
    ["linux/arm64"],
    three,
    builds,
    [buildOf(["linux/arm64"], after)],
    [],
  ],
  [
    "a scan of a plan's one platform by who was asked for two: nothing, where it was built here",
    "scan",
    ["linux/amd64", "linux/arm64"],
    ["linux/amd64"],
    ["build"],
    [buildOf(["linux/amd64"], after)],
    [],
  ],
  [
    "a scan beside what an earlier run left: its build",
    "scan",
    ["linux/arm64"],
    three,
    builds,
    [buildOf(["linux/arm64"], "2026-11-01T11:59:59.999Z")],
    ["linux-arm64"],
  ],
  [
    "a scan beside a build of nobody knows when: its build",
    "scan",
    ["linux/arm64"],
    three,
    builds,
    [buildOf(["linux/arm64"])],
    ["linux-arm64"],
  ],
  [
    "an assembly: every platform's, whatever its own job was asked for",
    "assemble",
    ["linux/amd64"],
    three,
    builds,
    [],
    ["linux-amd64", "linux-arm64", "linux-arm-v7"],
  ],
  [
    "an assembly where one platform was built in its job: the others",
    "assemble",
    three,
    three,
    builds,
    [buildOf(["linux/amd64"], after)],
    ["linux-arm64", "linux-arm-v7"],
  ],
  ["an acceptance of what is not pushed: none", "accept", three, three, builds, [], []],
])("of the builds is read by %s", (_, stage, platforms, planned, made, build, names) => {
  const reads = readBy(stage, { platforms }, { prepare: planOf(planned), build });
  const found = made.filter((name) => reads(artifactName(name)));
  expect(found).toEqual(names.map((name) => (name === "" ? "build" : `build-${name}`)));
});

it("without a plan nothing is read: the stage fails by its lack", () => {
  const reads = readBy("assemble", { platforms: three }, { build: [] });
  expect(["models", "build"].filter((name) => reads(artifactName(name)))).toEqual([]);
});
