import { describe, expect, it } from "@jest/globals";
import type { Statements } from "../../../src/pipeline/verify/statement.ts";
import type { ScanResult } from "../../../src/results/stages.ts";
import {
  acceptance,
  assembly,
  d,
  days,
  good,
  image,
  problems,
  scan,
  scanned,
  signed,
  untested,
} from "./judging.ts";

describe("a statement is refused", () => {
  it.each<[string, Statements, string]>([
    [
      "that is an older scan",
      scan({}, days(46)),
      "scan failed: signed 2026-10-14T12:00Z, 46 days ago; at most 45 days are allowed (--max-age)",
    ],
    [
      "that is a scan by an old database",
      scan({ database: { updatedAt: days(50).toISOString(), source: "x" } }),
      "scan failed: its vulnerability database is of 2026-10-10T12:00Z, 50 days ago",
    ],
    [
      "that is a scan of long ago, signed anew",
      scan({ finished: days(60).toISOString() }),
      "scan failed: scanned 2026-09-30T12:00Z, 60 days ago",
    ],
    [
      "that is a scan without a database's date",
      scan({ database: undefined }),
      "scan failed: it does not say how old its vulnerability database was",
    ],
    [
      "that is of tomorrow",
      scan({}, days(-1)),
      "scan failed: signed 2026-11-30T12:00Z, which is yet to come",
    ],
    [
      "whose scan failed",
      scan({ verdict: "failed", reason: "CVE-1 is critical" }),
      "scan failed: it failed: CVE-1 is critical",
    ],
    [
      "that accepted another digest",
      acceptance({ digest: d("other") }),
      `acceptance failed: ${d("other")} was accepted, not this image`,
    ],
    [
      "whose acceptance failed",
      acceptance({
        verdict: "failed",
        checks: [{ name: "health", verdict: "failed", reason: "503" }],
      }),
      "acceptance failed: it failed: health: 503",
    ],
    [
      "whose acceptance is of tomorrow",
      acceptance({}, days(-1)),
      "acceptance failed: signed 2026-11-30T12:00Z, which is yet to come",
    ],
    [
      "that accepted another platform only",
      acceptance({ platform: "linux/arm64" }),
      "acceptance failed: only linux/arm64 was started and checked (--allow-untested lets it pass)",
    ],
    [
      "whose acceptance was skipped",
      acceptance({ platform: "", verdict: "skipped", reason: "acceptance: off" }),
      "acceptance failed: skipped: acceptance: off (--allow-untested lets it pass)",
    ],
    [
      "that is of an image published untested",
      { ...good, acceptance: [], provenance: [signed({ ...assembly, untested })] },
      "acceptance failed: published untested: hotfix (--allow-untested lets it pass)",
    ],
    [
      "that is missing: the acceptance",
      { ...good, acceptance: [] },
      "acceptance failed: none that counts is attached",
    ],
    [
      "that is missing: the bill of materials",
      { ...good, sbom: [] },
      "sbom failed: none that counts is attached",
    ],
    [
      "that is a bill of materials of another platform",
      { ...good, sbom: [{ ...signed({}), subjects: [d("index"), d("arm64")] }] },
      "sbom failed: none that counts is attached",
    ],
    [
      "without a time",
      { ...good, scan: [{ ...signed(scanned), signedAt: undefined }] },
      "scan failed: no transparency log says when it was signed",
    ],
  ])("%s", (_, said, reason) => {
    expect(problems(image, said)).toEqual([expect.stringContaining(reason)]);
  });

  const elsewhere = (at: Date, more: Partial<ScanResult["platforms"][number]>) =>
    scan({ platforms: scanned.platforms.map((one) => ({ ...one, ...more })) }, at).scan;
  const other =
    "runtime failed: its layers between weights and lock are not those that were scanned (diff_ids)";

  it.each<[string, Partial<ScanResult["platforms"][number]>]>([
    ["of other layers", { diffIds: [d("os"), d("other")] }],
    ["of other layers, said of the runtime image", { diffIds: [] }],
    ["that does not say which layers it looked at", { diffIds: undefined }],
  ])("that is the newest scan, %s, whatever an older one says", (_, more) => {
    const said = { ...good, scan: [...good.scan, ...elsewhere(days(1), more)] };
    expect(problems(image, said)).toEqual([other]);
    const before = { ...good, scan: [...good.scan, ...elsewhere(days(9), more)] };
    expect(problems(image, before)).toEqual([]);
  });

  it("that is missing, with what was left aside of its kind", () => {
    const reason = `it is about ${d("other")}`;
    const leftAside = [
      { referrer: d("r"), kind: "scan" as const, reason },
      { referrer: d("s"), kind: "sbom" as const, reason: "no matter" },
    ];
    const [runtime, missing] = problems(image, { ...good, scan: [], leftAside });
    expect(runtime).toContain("no scan says");
    expect(missing).toBe(
      `scan failed: none that counts is attached; left aside: it is about ${d("other")}`,
    );
  });

  it("in favour of a later one, good or bad", () => {
    const later = signed({ ...scanned, verdict: "failed" as const, reason: "CVE-1" }, days(1));
    expect(problems(image, { ...good, scan: [later, ...good.scan] })).toEqual([
      "scan failed: it failed: CVE-1",
    ]);
    const before = signed({ ...scanned, verdict: "failed" as const, reason: "CVE-1" }, days(9));
    expect(problems(image, { ...good, scan: [...good.scan, before] })).toEqual([]);
  });
});
