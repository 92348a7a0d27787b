import { describe, expect, it } from "@jest/globals";
import { digestOf } from "../../src/images/digest.ts";
import { outputsOf } from "../../src/report/outputs.ts";
import { byStage } from "../../src/report/stages.ts";
import type { AcceptResult, BuildResult, ScanResult } from "../../src/results/stages.ts";
import { results } from "./results.ts";

const [amd64] = results.build as [BuildResult];
const arm64: BuildResult = {
  ...amd64,
  platforms: [{ platform: "linux/arm64", digest: digestOf("arm64"), size: 1 }],
  indexes: [digestOf("index")],
  cached: false,
  seconds: 4,
};
const scanOf = (platform: string, more: Partial<ScanResult> = {}): ScanResult => ({
  verdict: "passed",
  platforms: [{ platform, digest: digestOf(platform) }],
  ...more,
});
const acceptOf = (platform: string, more: Partial<AcceptResult> = {}): AcceptResult => ({
  digest: digestOf("image"),
  platform,
  target: "container",
  verdict: "passed",
  checks: [{ name: "startup", verdict: "passed" }],
  ...more,
});

describe("the document of a run", () => {
  it("has an object for each stage that ran, in their order, and no other key", () => {
    const shown = byStage(results);
    expect(Object.keys(shown)).toEqual(["prepare", "models", "build", "assemble", "promote"]);
    expect(shown["build"]).toEqual(amd64);
    expect(byStage({ build: [], scan: [], accept: [] })).toEqual({});
  });

  it("has one object for what several jobs built", () => {
    expect(byStage({ ...results, build: [amd64, arm64] })["build"]).toEqual({
      repository: amd64.repository,
      platforms: [...amd64.platforms, ...arm64.platforms],
      indexes: arm64.indexes,
      cached: false,
      seconds: 7,
    });
  });

  it("has the worst verdict of several scans, with its reason and not another's", () => {
    const scan = [
      scanOf("linux/amd64", { verdict: "skipped", reason: "no Trivy", seconds: 1 }),
      scanOf("linux/arm64", { verdict: "failed" }),
    ];
    expect(byStage({ ...results, scan })["scan"]).toEqual({
      verdict: "failed",
      platforms: scan.flatMap(({ platforms }) => platforms),
      seconds: 1,
    });
  });

  it("has what several scans saw of the published image, where it was the same one", () => {
    const seen = (platform: string, image: string) => ({
      published: {
        ...{ tag: "latest", digest: digestOf(image) },
        platforms: [{ platform, digest: digestOf(platform), findings: [], installed: [] }],
      },
    });
    const scan = [
      scanOf("linux/amd64", seen("linux/amd64", "one")),
      scanOf("linux/arm64", seen("linux/arm64", "one")),
      scanOf("linux/arm", seen("linux/arm", "another")),
    ];
    expect(byStage({ ...results, scan })["scan"]).toMatchObject({
      published: {
        digest: digestOf("one"),
        platforms: [{ platform: "linux/amd64" }, { platform: "linux/arm64" }],
      },
    });
  });

  it("leaves lists of packages out of the outputs", () => {
    const installed = [{ package: "libc6", version: "1", ecosystem: "debian" }];
    const one = scanOf("linux/amd64");
    const scan = [{ ...one, platforms: one.platforms.map((entry) => ({ ...entry, installed })) }];
    expect(outputsOf({ ...results, scan }, "f")["scan"]).not.toContain("libc6");
  });

  it("has the checks of several acceptances, each with its platform", () => {
    const accept = [
      acceptOf("linux/amd64"),
      acceptOf("linux/arm64", { verdict: "inconclusive", reason: "no GPU" }),
    ];
    expect(byStage({ ...results, accept })["accept"]).toMatchObject({
      platform: "linux/amd64, linux/arm64",
      target: "container",
      verdict: "inconclusive",
      reason: "no GPU",
      checks: [{ platform: "linux/amd64" }, { platform: "linux/arm64", name: "startup" }],
    });
  });
});

it("a risk is unused if no scan of several jobs needed it, and expired if it is in any", () => {
  const risk = (id: string) => ({ id, package: "p", reason: "r", expires: "2026-12-31" });
  const scanned = (unused: readonly string[], expired: readonly string[] = []) => ({
    ...scanOf("linux/amd64"),
    risks: { unused: unused.map(risk), expired: expired.map(risk) },
  });
  const scan = [scanned(["A", "B"]), scanned(["B", "C"], ["D"]), scanned(["B"], ["D"])];
  expect(byStage({ ...results, scan })["scan"]).toMatchObject({
    risks: { unused: [risk("B")], expired: [risk("D")] },
  });
});

it("the outputs scan and acceptance are one object each, however many jobs there were", () => {
  const one = scanOf("linux/amd64");
  const both = [one, scanOf("linux/arm64")];
  const accept = [acceptOf("linux/amd64")];
  expect(
    JSON.parse(outputsOf({ ...results, scan: [one], accept }, "a.sarif")["scan"] ?? ""),
  ).toEqual(one);
  const outputs = outputsOf({ ...results, scan: both, accept }, "a.sarif");
  expect(JSON.parse(outputs["scan"] ?? "")).toMatchObject({
    verdict: "passed",
    platforms: [{ platform: "linux/amd64" }, { platform: "linux/arm64" }],
  });
  expect(JSON.parse(outputs["acceptance"] ?? "")).toEqual(accept[0]);
});
