import { describe, expect, it } from "@jest/globals";
import { digestOf } from "../../src/images/digest.ts";
import { readiness } from "../../src/pipeline/readiness.ts";
import type { AcceptResult, AssembleResult, ScanResult } from "../../src/results/stages.ts";

const digest = digestOf("index");
const runtimeDigest = digestOf("runtime");
const platform = "linux/amd64";
const candidate: AssembleResult = {
  digest,
  mediaType: "application/vnd.oci.image.index.v1+json",
  repository: "oci:x",
  platforms: [{ platform, digest: digestOf("amd64"), runtimeDigest, size: 1 }],
  absent: [],
  newRuntimeBytes: 0,
  bytesUploaded: 0,
};
const passed: ScanResult = { verdict: "passed", platforms: [{ platform, digest: runtimeDigest }] };
const accepted: AcceptResult = {
  digest,
  platform,
  target: "container",
  verdict: "passed",
  checks: [],
};
const foreign = { ...passed, platforms: [{ platform, digest: digestOf("other") }] };

describe("whether a candidate may be published, by several scans of one platform", () => {
  it.each<[string, ScanResult[], { refused?: string; missing?: string }]>([
    ["that all passed", [passed, passed], {}],
    ["of which the second failed", [passed, { ...passed, verdict: "failed" }], { refused: "fail" }],
    ["of which the first failed", [{ ...passed, verdict: "failed" }, passed], { refused: "fail" }],
    ["of which one looked at another runtime", [passed, foreign], { refused: "looked at" }],
    ["of which one was skipped", [passed, { ...passed, verdict: "skipped" }], { missing: "skip" }],
    [
      "of which one was skipped and one said nothing",
      [
        { ...passed, verdict: "skipped" },
        { ...passed, verdict: "inconclusive" },
      ],
      { missing: "inconclusive" },
    ],
  ])("%s", (_, scans, { refused, missing }) => {
    const said = (part?: string) => (part === undefined ? [] : [expect.stringContaining(part)]);
    expect(readiness(candidate, scans, [accepted])).toEqual({
      refused: said(refused),
      missing: said(missing),
    });
  });
});
