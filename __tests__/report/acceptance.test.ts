import { execFileSync } from "node:child_process";
import { expect, it } from "@jest/globals";
import { chart } from "../../src/report/chart.ts";
import { junit } from "../../src/report/junit.ts";
import type { AcceptResult } from "../../src/results/stages.ts";

const result: AcceptResult = {
  ...{ digest: `sha256:${"a".repeat(64)}`, platform: "linux/amd64", target: "container" },
  ...{ verdict: "failed", reason: "failed: user" },
  checks: [
    { name: "startup", verdict: "passed", seconds: 3.25, measured: { healthySeconds: 3.2 } },
    { name: "user", verdict: "failed", reason: 'runs as "root" <& worse>\u0000', seconds: 0.1 },
    { name: "gpu", verdict: "skipped", reason: "no GPU", seconds: 0 },
  ],
  timeline: [
    { what: "created", seconds: 0 },
    { what: "loading <Flux>", seconds: 1 },
  ],
  vram: {
    samples: [
      { at: 0, bytes: 0 },
      { at: 1000, bytes: 11.7e9 },
    ],
    limitBytes: 11.8e9,
  },
};

/** What an XML parser that is not ours reads: tags and attributes, by their lines. */
function read(xml: string): string {
  const program =
    "import sys, xml.etree.ElementTree as t\nfor e in t.fromstring(sys.stdin.read()).iter(): print(e.tag.split('}')[-1], dict(e.attrib))";
  return execFileSync("python3", ["-c", program], { input: xml, encoding: "utf8" });
}

it("JUnit XML has a case for each check, with its failure or why it was skipped", () => {
  const lines = read(junit(result)).trim().split("\n");
  expect(lines[0]).toMatch(
    /^testsuites .*'tests': '3', 'failures': '1', 'errors': '0', 'time': '3.350'/,
  );
  expect(lines.filter((line) => line.startsWith("testcase "))).toHaveLength(3);
  expect(lines).toContainEqual(`failure {'message': 'runs as "root" <& worse>', 'type': 'failed'}`);
  expect(lines).toContainEqual("skipped {'message': 'no GPU'}");
});

it("JUnit XML of a run that could not be has one case that says why", () => {
  const reason = "no Docker engine here: refused";
  const lines = read(junit({ ...result, verdict: "skipped", reason, checks: [] })).split("\n");
  expect(lines[0]).toMatch(/^testsuites .*'tests': '1', 'failures': '0'/);
  expect(lines[1]).toMatch(/'skipped': '1'/);
  expect(lines.filter((line) => line.startsWith("testcase "))).toEqual([
    expect.stringContaining("'name': 'accept'"),
  ]);
  expect(lines).toContainEqual(`skipped {'message': '${reason}'}`);
});

it("the chart is an SVG with the start and the curve", () => {
  const svg = chart(result);
  expect(read(svg)).toMatch(/^svg /);
  expect(svg).toContain("loading &lt;Flux>");
  expect(svg).toContain("limit 11.8 GB");
  expect(chart({ ...result, vram: undefined })).not.toContain("polyline");
});
