import { describe, expect, it } from "@jest/globals";
import { digestOf } from "../../src/images/digest.ts";
import { readiness, type SeenPlatform } from "../../src/pipeline/readiness.ts";
import type { AcceptResult, AssembleResult, ScanResult } from "../../src/results/stages.ts";

const digest = digestOf("index");
const runtimeDigest = digestOf("runtime");
const platform = "linux/amd64";
const manifest = digestOf("amd64");
const diffIds = [digestOf("a"), digestOf("b")];
const candidate: AssembleResult = {
  digest,
  mediaType: "application/vnd.oci.image.index.v1+json",
  repository: "oci:x",
  platforms: [{ platform, digest: manifest, runtimeDigest, size: 1 }],
  absent: [],
  newRuntimeBytes: 0,
  bytesUploaded: 0,
};
const seen: SeenPlatform = { platform, digest: manifest, diffIds };
const scanOf = (more: Partial<ScanResult["platforms"][number]>): ScanResult => ({
  verdict: "passed",
  platforms: [{ platform, digest: runtimeDigest, diffIds, ...more }],
});
const passed = scanOf({});
const failed: ScanResult = { ...passed, verdict: "failed" };
const skipped: ScanResult = { ...passed, verdict: "skipped" };
const accepted: AcceptResult = {
  digest,
  platform,
  target: "container",
  verdict: "passed",
  checks: [],
};

/** What readiness says, by a part of it. */
const wanted = ({ refused, missing }: { refused?: string; missing?: string }) => ({
  refused: refused === undefined ? [] : [expect.stringContaining(refused)],
  missing: missing === undefined ? [] : [expect.stringContaining(missing)],
});

describe("a candidate whose platform was scanned more than once", () => {
  it.each<[string, ScanResult[], { refused?: string; missing?: string }]>([
    ["may be published if all passed", [passed, passed], {}],
    ["is refused if the second failed", [passed, failed], { refused: "failed" }],
    ["is refused if the first failed", [failed, passed], { refused: "failed" }],
    [
      "is refused if one looked at another runtime",
      [passed, scanOf({ digest: digestOf("other") })],
      { refused: "looked at" },
    ],
    ["is refused if one failed and one was skipped", [skipped, failed], { refused: "failed" }],
    ["lacks a scan if one was skipped", [passed, skipped], { missing: "skipped" }],
    [
      "lacks a scan for the worse of two reasons",
      [skipped, { ...passed, verdict: "inconclusive" }],
      { missing: "inconclusive" },
    ],
  ])("%s", (_, scans, said) => {
    expect(readiness(candidate, [seen], scans, [accepted])).toEqual(wanted(said));
  });
});

describe("a candidate in the store", () => {
  const { diffIds: _none, ...unnamed } = passed.platforms[0] as ScanResult["platforms"][number];

  it.each<[string, SeenPlatform[], ScanResult[], { refused?: string; missing?: string }]>([
    ["whose layers were scanned may be published", [seen], [passed], {}],
    [
      "whose manifest is another than assemble.json's is refused",
      [{ ...seen, digest: digestOf("x") }],
      [passed],
      { refused: `assemble.json names ${manifest} for linux/amd64, the candidate has sha256:` },
    ],
    [
      "that lacks a platform of assemble.json is refused",
      [],
      [],
      { refused: "the candidate has no such platform", missing: "the scan" },
    ],
    [
      "with a platform that assemble.json does not name is refused",
      [seen, { platform: "linux/arm64", digest: digestOf("arm64"), diffIds: [] }],
      [passed],
      { refused: "which assemble.json does not name" },
    ],
    [
      "with a layer more than was scanned is refused",
      [{ ...seen, diffIds: [...diffIds, digestOf("c")] }],
      [passed],
      { refused: "other layers" },
    ],
    [
      "with the scanned layers in another order is refused",
      [{ ...seen, diffIds: diffIds.toReversed() }],
      [passed],
      { refused: "other layers" },
    ],
    [
      "that does not tell its runtime's layers from the models' is refused",
      [{ ...seen, diffIds: undefined }],
      [passed],
      { refused: "other layers" },
    ],
    [
      "whose scan does not name layers lacks a scan",
      [seen],
      [{ ...passed, platforms: [unnamed] }],
      { missing: "does not say which layers" },
    ],
    [
      "whose scan failed without naming layers is refused all the same",
      [seen],
      [{ ...failed, platforms: [unnamed] }],
      { refused: "failed" },
    ],
  ])("%s", (_, platforms, scans, said) => {
    expect(readiness(candidate, platforms, scans, [accepted])).toEqual(wanted(said));
  });
});
