import { describe, expect, it } from "@jest/globals";
import { type Finding, severities } from "../../src/results/finding.ts";
import { sarifDocument } from "../../src/sarif/document.ts";
import { securitySeverity } from "../../src/sarif/severity.ts";
import { alertKey, type Sarif } from "../fakes/sarif-checks.ts";
import { documentOf, finding, numbers, scan, subject } from "./scans.ts";

const fingerprints = (run: Sarif["runs"][number] | undefined) => (run?.results ?? []).map(alertKey);

/** The same numbers in every run: a failure can be repeated. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

const nasty = [
  "",
  "[a](https://x)",
  "::error::x",
  "<script>",
  "a|b\nc",
  "\u0000\u202e",
  "ключ{0}",
  "𝔘".repeat(900),
];

function anyFinding(pick: (below: number) => number): Finding {
  const word = () => nasty[pick(nasty.length)] ?? "";
  return finding({
    kind: (["vulnerability", "misconfiguration", "secret"] as const)[pick(3)] ?? "secret",
    id: `CVE-2024-${pick(6)}`,
    package: `package-${pick(6)}${word()}`,
    severity: severities[pick(5)] ?? "LOW",
    installed: word(),
    title: pick(3) === 0 ? undefined : word(),
    fixed: pick(2) === 0 ? undefined : word(),
    score: pick(2) === 0 ? undefined : pick(101) / 10,
    references: [word(), "https://example.org/a(b)", "javascript:alert(1)", "http://[bad"],
    layer: pick(3) === 0 ? undefined : { createdBy: word() },
    ...(pick(8) === 0 ? { accepted: "by hand" } : {}),
  });
}

describe("whatever the scanner finds", () => {
  it.each(numbers(40))("is a valid document without two results for one alert (%d)", (seed) => {
    const pick = chance(seed + 1);
    const all = numbers(pick(60)).map(() => anyFinding(pick));
    const document = documentOf(
      scan({ "linux/amd64": all, "linux/arm64": all.slice(0, pick(60)) }),
    );
    for (const { results = [] } of document.runs) {
      const wanted = results.length;
      expect(new Set(results.map(alertKey)).size).toBe(wanted);
    }
  });

  it("gives the same bytes in whatever order it was found", () => {
    const pick = chance(7);
    const all = numbers(50).map(() => anyFinding(pick));
    const [one, other] = [all, [...all].reverse()].map((findings) =>
      sarifDocument(scan({ "linux/amd64": findings }), subject).runs[0]?.results.map(
        ({ ruleId, partialFingerprints, level }) => [ruleId, partialFingerprints, level],
      ),
    );
    expect(one).toEqual(other);
  });
});

describe("an alert is the same", () => {
  const before = fingerprints(documentOf(scan({ "linux/amd64": [finding()] })).runs[0]);

  it.each([
    ["in a rebuilt image", { "linux/amd64": [finding()] }, "2"],
    ["on another platform", { "linux/arm64": [finding()] }, "1"],
    [
      "in a newer version that has it still",
      { "linux/amd64": [finding({ installed: "3.0.1-9" })] },
      "1",
    ],
    ["when a fix appears", { "linux/amd64": [finding({ fixed: "3.0.9" })] }, "1"],
    [
      "when its severity is rated anew",
      { "linux/amd64": [finding({ severity: "LOW", score: 1 })] },
      "1",
    ],
    [
      "when the layer is another one",
      { "linux/amd64": [finding({ layer: { createdBy: "COPY app /app" } })] },
      "1",
    ],
    ["when its title is written anew", { "linux/amd64": [finding({ title: undefined })] }, "1"],
  ])("%s", (_, platforms, build) => {
    expect(fingerprints(documentOf(scan(platforms, build)).runs[0])).toEqual(before);
  });

  it.each([
    ["of another package", { package: "libssl" }],
    ["of another weakness", { id: "CVE-2024-0002" }],
    ["of another kind", { kind: "misconfiguration" as const }],
  ])("and another one %s", (_, more) => {
    const other = fingerprints(documentOf(scan({ "linux/amd64": [finding(more)] })).runs[0]);
    expect(other).toHaveLength(1);
    expect(other).not.toEqual(before);
  });

  it("and one, where two versions of the package are there", () => {
    const twice = [finding({ installed: "1" }), finding({ installed: "2", severity: "CRITICAL" })];
    const [run] = documentOf(scan({ "linux/amd64": twice })).runs;
    expect(fingerprints(run)).toEqual(before);
    expect(run?.results?.[0]).toMatchObject({
      level: "error",
      message: {
        text: expect.stringMatching(
          /^openssl 1, 2 has CVE-2024-0001 \(CRITICAL\), fixed in 3\.0\.2-1\./,
        ),
      },
    });
  });
});

describe("a rule", () => {
  it("is one for each weakness, with the worst that is said of it on any platform", () => {
    const { runs } = documentOf(
      scan({
        "linux/amd64": [finding(), finding({ package: "libssl" })],
        "linux/arm64": [finding({ severity: "CRITICAL", score: 9.8 })],
      }),
    );
    const rules = runs.map(({ tool }) => tool.driver.rules);
    expect(rules[0]).toHaveLength(1);
    expect(rules[0]).toEqual(rules[1]);
    expect(rules[0]?.[0]).toMatchObject({
      id: "CVE-2024-0001",
      helpUri: "https://nvd.nist.gov/vuln/detail/CVE-2024-0001",
      properties: {
        tags: ["security", "vulnerability", "critical"],
        "problem.severity": "error",
        "security-severity": "9.8",
      },
      help: {
        markdown: expect.stringContaining("| openssl | 3.0.1-1 | 3.0.2-1 |"),
      },
    });
  });

  it("shows what the database says as text, and links only what can be linked", () => {
    const evil = finding({
      title: "[click](https://evil.example) | <img src=x>",
      references: ["javascript:alert(1)", "https://example.org/a b(c)", "ftp://x"],
    });
    const markdown = documentOf(scan({ "linux/amd64": [evil] })).runs[0]?.tool.driver.rules?.[0]
      ?.help?.markdown;
    expect(markdown).toContain("\\[click\\]\\(https://evil.example\\) \\| \\<img src=x\\>");
    expect(markdown?.match(/- <.*>/g)).toEqual(["- <https://example.org/a%20b%28c%29>"]);
  });
});

it.each([
  ["CRITICAL", 9.8, "9.8"],
  ["CRITICAL", undefined, "9.5"],
  ["CRITICAL", 5, "9.1"],
  ["CRITICAL", 9, "9.1"],
  ["HIGH", 9.8, "8.9"],
  ["HIGH", 7, "7.0"],
  ["MEDIUM", undefined, "5.5"],
  ["LOW", 0, "0.1"],
  ["LOW", 9.8, "3.9"],
  ["UNKNOWN", 9.8, undefined],
] as const)("%s with CVSS %p is shown as %p", (severity, score, shown) =>
  expect(securitySeverity(severity, score)).toBe(shown),
);

describe("a place", () => {
  const placeOf = (more: Partial<Finding>, about = subject) =>
    documentOf(scan({ "linux/amd64": [finding(more)] }), about).runs[0]?.results?.[0]
      ?.locations?.[0]?.physicalLocation;

  it.each([
    ["the line that made the layer", {}, 3, 28],
    [
      "the first line for a layer of the base",
      { layer: { createdBy: "ADD rootfs.tar / # buildkit" } },
      1,
      13,
    ],
    ["the first line where the layer is not known", { layer: undefined }, 1, 13],
  ])("is %s", (_, more, startLine, endColumn) => {
    expect(placeOf(more)).toEqual({
      artifactLocation: { uri: "Dockerfile.director" },
      region: { startLine, startColumn: 1, endLine: startLine, endColumn },
    });
  });

  it("is the first line of a Dockerfile that is none of the repository's", () => {
    const about = { ...subject, dockerfile: { ...subject.dockerfile, text: undefined } };
    expect(placeOf({}, about)?.region).toMatchObject({ startLine: 1, endColumn: 1 });
  });

  it("is an address, whatever the file is called", () => {
    const about = { ...subject, dockerfile: { ...subject.dockerfile, path: "a b/Dockerfile#1" } };
    expect(placeOf({}, about)?.artifactLocation?.uri).toBe("a%20b/Dockerfile%231");
  });
});
