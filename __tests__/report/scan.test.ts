import { describe, expect, it } from "@jest/globals";
import { scanLines } from "../../src/report/scan-lines.ts";
import { summary } from "../../src/report/summary.ts";
import type { Finding } from "../../src/results/finding.ts";
import type { ScanResult } from "../../src/results/stages.ts";
import { digests, results } from "./results.ts";

const low: Finding = {
  ...{ kind: "vulnerability", id: "CVE-2", package: "bash", severity: "LOW", installed: "5" },
  accepted: "unfixed: there is no version without it yet (ignore-unfixed)",
};
const critical: Finding = {
  ...{ kind: "vulnerability", id: "CVE-1", package: "libc6", severity: "CRITICAL" },
  ...{ installed: "2.36", fixed: "2.37", references: ["https://example.com/CVE-1"] },
  layer: {
    diffId: digests.runtime,
    createdBy: "RUN |1 X=1 /bin/sh -c apt-get install | <b>libc6</b> # buildkit",
  },
};
const scan: ScanResult = {
  verdict: "failed",
  reason: "1 finding of CRITICAL or above: CVE-1 in libc6",
  platforms: [
    {
      ...{ platform: "linux/amd64", digest: digests.runtime, os: "debian 12.5", packages: 124 },
      findings: [low, critical],
      blindSpots: [{ name: "end-of-life", reason: "debian 12.5 gets no fixes any more" }],
    },
  ],
  scanner: { version: "0.74.0", path: "/usr/bin/trivy" },
  database: { updatedAt: "2026-11-24T12:00:00Z", source: "ghcr.io/aquasecurity/trivy-db:2" },
  outdated: [{ package: "libc6", installed: "2.36", fixed: "2.37" }],
  risks: {
    unused: [{ id: "CVE-9", package: "x", reason: "r", expires: "2999-01-01" }],
    expired: [],
  },
};

describe("a scan", () => {
  const page = summary({ ...results, scan: [scan] });

  it("stands in the summary with the worst finding first, and the line that brought it", () => {
    const rows = page.split("\n").filter((line) => /^\| (CRITICAL|LOW)/.test(line));
    expect(rows).toEqual([
      `| CRITICAL | [CVE-1](https://example.com/CVE-1) | libc6 2.36 | 2.37 | \`${digests.runtime.slice(7, 19)}\` | \`RUN apt-get install \\| &lt;b>libc6&lt;/b>\` |  |`,
      "| LOW | CVE-2 | bash 5 | (none yet) |  |  | unfixed: there is no version without it yet (ignore-unfixed) |",
    ]);
    expect(page).toContain("### Scan of linux/amd64: failed");
    expect(page).toContain("> **end-of-life**: debian 12.5 gets no fixes any more");
    expect(page).toContain("Outdated packages of the operating system: 1");
    expect(page).toContain("Accepted risks that nothing needs: CVE-9 in x.");
  });

  it("with more findings than anybody reads is cut, and says where the others are", () => {
    const findings = Array.from({ length: 60 }, (_, at) => ({ ...low, id: `CVE-${at}` }));
    const [platform] = scan.platforms;
    const long = { ...scan, platforms: platform ? [{ ...platform, findings }] : [] };
    const text = summary({ ...results, scan: [long] });
    expect(text.split("\n").filter((line) => line.startsWith("| LOW"))).toHaveLength(50);
    expect(text).toContain("10 more are in scan.json.");
  });

  it("ends at a terminal with its verdict", () => {
    const lines = scanLines(scan);
    expect(lines[0]).toBe("linux/amd64  debian 12.5, 124 packages, 1 CRITICAL, 1 LOW");
    expect(lines.at(-1)).toBe("failed (1 finding of CRITICAL or above: CVE-1 in libc6)");
  });
});
