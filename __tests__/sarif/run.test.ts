import { describe, expect, it } from "@jest/globals";
import { severities } from "../../src/results/finding.ts";
import { category, sarifDocument } from "../../src/sarif/document.ts";
import { fitted } from "../../src/sarif/fit.ts";
import { githubErrors, type Sarif } from "../fakes/sarif-checks.ts";
import { documentOf, finding, numbers, scan, subject } from "./scans.ts";

describe("a run", () => {
  it("is of one image and platform, and says from what it was made", () => {
    const [run] = documentOf(scan({ "linux/arm64": [] })).runs;
    expect(run).toMatchObject({
      automationDetails: { id: "ghcr.io/nsn/director/linux/arm64/" },
      tool: { driver: { name: "Trivy", version: "0.74.0", rules: [] } },
      versionControlProvenance: [
        { repositoryUri: subject.source?.url, revisionId: "a".repeat(40) },
      ],
      results: [],
      properties: { os: "debian 12.5", digest: expect.stringMatching(/^sha256:/) },
    });
    expect(category({ image: "a/b" }, "linux/arm/v7")).toBe("a/b/linux/arm/v7/");
    expect(category({ image: "a/b", rebuild: true }, "linux/arm/v7")).toBe(
      "a/b/linux/arm/v7/rebuild/",
    );
  });

  it("is left out where the platform could not be read: an empty one would close its alerts", () => {
    const result = scan({ "linux/amd64": [], "linux/arm64": undefined });
    expect(documentOf(result).runs).toHaveLength(1);
    expect(fitted(result, subject).left).toEqual([
      "linux/arm64 was not read, so its alerts stay as they are",
    ]);
  });

  it("is left out where the scan had a blind spot", () => {
    const result = scan({ "linux/amd64": [finding()] });
    const blindSpots = [{ name: "few-packages", reason: "2 packages" }];
    const platforms = result.platforms.map((seen) => ({ ...seen, blindSpots }));
    expect(sarifDocument({ ...result, platforms }, subject).runs).toEqual([]);
  });

  it("is there for an image without a distribution that may have none", () => {
    const result = scan({ "linux/amd64": [finding()] });
    const platforms = result.platforms.map(({ os: _, ...seen }) => ({ ...seen, packages: 0 }));
    expect(sarifDocument({ ...result, platforms }, subject).runs).toHaveLength(1);
  });

  it("has no accepted finding, and counts them", () => {
    const accepted = [
      finding({ accepted: "no network" }),
      finding({ package: "b", accepted: "unfixed" }),
    ];
    const [run] = documentOf(scan({ "linux/amd64": accepted })).runs;
    expect(run?.results).toEqual([]);
    expect(run?.invocations?.[0]?.toolExecutionNotifications).toEqual([
      { level: "note", message: { text: "Accepted findings, which are not here: 2." } },
    ]);
  });
});

describe("within the limits", () => {
  const many = numbers(7000).map((at) =>
    finding({
      id: `CVE-2024-${String(at).padStart(5, "0")}`,
      severity: severities[at % 5] ?? "LOW",
      score: undefined,
      title: `Number ${at * 7919} of them`,
    }),
  );

  it("only the most severe are kept, which is said", () => {
    const result = scan({ "linux/amd64": many });
    const document = JSON.parse(fitted(result, subject).text) as Sarif;
    expect(githubErrors(document)).toEqual([]);
    const [run] = document.runs;
    const levels = run?.results?.map(({ level }) => level) ?? [];
    expect(levels).toHaveLength(5000);
    expect(levels.filter((level) => level === "error")).toHaveLength(2800);
    expect(levels.slice(0, 2800)).not.toContain("warning");
    expect(run?.tool.driver.rules).toHaveLength(5000);
    expect(run?.invocations?.[0]?.toolExecutionNotifications).toEqual([
      { level: "warning", message: { text: "Only the 5000 most severe of 7000 alerts are here." } },
    ]);
    expect(fitted(result, subject).left).toEqual([
      "linux/amd64: Only the 5000 most severe of 7000 alerts are here.",
    ]);
  });

  it("fewer of every platform are kept until the file is small enough", () => {
    const result = scan({ "linux/amd64": many, "linux/arm64": many.slice(0, 900) });
    const { gzip, text } = fitted(result, subject, { results: 5000, gzipBytes: 100_000 });
    expect(gzip.length).toBeLessThanOrEqual(100_000);
    const { runs } = JSON.parse(text) as Sarif;
    const [one = 0, other = 0] = runs.map(({ results }) => results?.length);
    expect(one).toBeGreaterThan(100);
    expect(other).toBe(Math.min(900, one));
  });

  it("twenty platforms are one upload, and more are named", () => {
    const platforms = Object.fromEntries(numbers(22).map((at) => [`linux/a${at}`, [finding()]]));
    expect(documentOf(scan(platforms)).runs).toHaveLength(20);
    expect(fitted(scan(platforms), subject).left).toEqual([
      "2 platforms: code scanning takes 20 at once",
    ]);
  });
});
