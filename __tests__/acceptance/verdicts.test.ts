import { describe, expect, it } from "@jest/globals";
import type { CheckName, CheckResult, Verdict } from "../../src/acceptance/check.ts";
import { judgePage } from "../../src/acceptance/checks/metrics.ts";
import type { Format } from "../../src/acceptance/exposition.ts";
import {
  complaintsOf,
  describe as describeHealth,
  failing,
  type HealthBody,
} from "../../src/acceptance/health.ts";
import { blockedBy, verdictOf } from "../../src/acceptance/run.ts";
import { loadedLine, loadingLines, timelineOf, withHealth } from "../../src/acceptance/timeline.ts";

const said = (...texts: readonly string[]) =>
  texts.map((text, at) => ({ at: 10_000 + at * 500, text }));

describe("the promised metrics", () => {
  const lines = [
    ...["# TYPE nsn_vortex_vram_usage_bytes gauge", "nsn_vortex_vram_usage_bytes 8e9"],
    ...["# TYPE nsn_p2p_connected_peers gauge", "nsn_p2p_connected_peers 1"],
    "# TYPE nsn_bft_round_duration_seconds histogram",
    'nsn_bft_round_duration_seconds_bucket{le="+Inf"} 1',
    ...["nsn_bft_round_duration_seconds_sum 0.5", "nsn_bft_round_duration_seconds_count 1"],
  ];
  const text = `${lines.join("\n")}\n`;
  const plain = "text/plain; version=0.0.4";
  const open = "application/openmetrics-text; version=1.0.0; charset=utf-8";

  it.each<[string, Format, number, string, string, readonly string[]]>([
    ["are there in Prometheus text", "prometheus", 200, plain, text, []],
    ["are there in OpenMetrics", "openmetrics", 200, open, `${text}# EOF\n`, []],
    ["are not there in an error", "prometheus", 500, plain, text, ["/metrics answers 500"]],
    [
      "come under the wrong type",
      "openmetrics",
      200,
      plain,
      `${text}# EOF\n`,
      [`its type is ${plain}, not application/openmetrics-text`],
    ],
    ["come under no type", "prometheus", 200, "", text, ["its type is not told, not text/plain"]],
    [
      "are not read from a broken page",
      "prometheus",
      200,
      plain,
      text.trimEnd(),
      ["the last line has no line feed"],
    ],
    [
      "are missed by name",
      "prometheus",
      200,
      plain,
      text.replaceAll("nsn_p2p", "p2p"),
      ["nsn_p2p_connected_peers is missing"],
    ],
    [
      "are missed when declared without a sample",
      "prometheus",
      200,
      plain,
      text.replace("nsn_p2p_connected_peers 1\n", ""),
      ["nsn_p2p_connected_peers is missing"],
    ],
    [
      "have their types",
      "prometheus",
      200,
      plain,
      text.replace("peers gauge", "peers counter"),
      ["nsn_p2p_connected_peers is a counter, not a gauge"],
    ],
    [
      "have values that can be",
      "prometheus",
      200,
      plain,
      text.replace("8e9", "-1"),
      ["nsn_vortex_vram_usage_bytes is -1"],
    ],
  ])("%s", (_, format, status, type, page, complaints) => {
    expect(judgePage({ status, type, text: page }, format)).toEqual(complaints);
  });
});

describe("the log of a start", () => {
  const logs = said(
    "12:00 INFO Hello",
    "12:00 INFO P2P listens on /ip4/0.0.0.0/udp/9000/quic-v1",
    "12:00 INFO Loading FLUX.1 schnell...",
    "Loading Kokoro 82M...\r",
    "Reloading nothing...",
    "12:01 INFO All models loaded. VRAM: 10.8 GB",
  );

  it("names the models in their order", () => {
    expect(loadingLines(logs).map(({ title }) => title)).toEqual(["FLUX.1 schnell", "Kokoro 82M"]);
  });

  it.each<[string, readonly string[], number | undefined]>([
    ["tells when all are loaded", logs.map(({ text }) => text), 5],
    ["does not tell it without the decimal", ["All models loaded. VRAM: 10 GB"], undefined],
    ["does not tell it when it says nothing", [], undefined],
  ])("%s", (_, texts, line) => {
    const all = said(...texts);
    expect(loadedLine(all)).toBe(line === undefined ? undefined : all[line]);
  });

  it("is a timeline in seconds after the start was asked for", () => {
    expect(timelineOf(logs, 9_000)).toEqual([
      { what: "created", seconds: 0 },
      { what: "first log", seconds: 1 },
      { what: "p2p", seconds: 1.5 },
      { what: "loading FLUX.1 schnell", seconds: 2 },
      { what: "loading Kokoro 82M", seconds: 2.5 },
      { what: "models loaded", seconds: 3.5 },
    ]);
  });

  it("has what was seen from outside in its place", () => {
    const events = timelineOf(said("Hello", "All models loaded."), 10_000);
    const seen = withHealth(events, { healthySeconds: 0.4, containerSeconds: 5.1 });
    expect(seen.map(({ what }) => what)).toEqual([
      ...["created", "first log", "healthy", "models loaded", "container healthy"],
    ]);
    expect(withHealth(events, { healthySeconds: 0.4 })).toHaveLength(4);
  });

  it("has nothing before the start, whatever its clock says", () => {
    expect(timelineOf(said("Hello"), 99_000)).toContainEqual({ what: "first log", seconds: 0 });
    expect(timelineOf([], 0)).toEqual([{ what: "created", seconds: 0 }]);
  });
});

describe("an answer of /health", () => {
  const ok = { ok: true, detail: "" };
  const gone = { ok: false, detail: "gone" };
  const checks = { p2p_connected: ok, models_loaded: ok, chain_synced: ok };
  const good = { status: "healthy", checks, version: "1.0.0" };
  const down = {
    ...good,
    ...{ status: "unhealthy", checks: { ...checks, chain_synced: gone } },
  };
  const ill = { ...good, checks: { ...checks, models_loaded: gone } };

  it.each<[string, number, HealthBody | undefined, readonly string[], readonly string[]]>([
    ["is as documented when healthy", 200, good, [], []],
    ["is as documented when the chain is gone", 503, down, ["chain_synced"], []],
    ["is JSON", 200, undefined, [], ["/health gives no JSON object"]],
    [
      "has a status that is known",
      200,
      { ...good, status: "ok" },
      [],
      ['its status is "ok", not "healthy"'],
    ],
    ["names a version", 200, { ...good, version: "" }, [], ["it names no version"]],
    [
      "tells each check",
      200,
      { ...good, checks: { p2p_connected: ok } },
      [],
      ["it does not tell the check models_loaded", "it does not tell the check chain_synced"],
    ],
    [
      "does not answer 200 with a check that fails",
      200,
      ill,
      [],
      ["it says that models_loaded is bad"],
    ],
    [
      "does not answer 200 and say that it is unhealthy",
      200,
      down,
      [],
      ['its status is "unhealthy", not "healthy"', "it says that chain_synced is bad"],
    ],
    [
      "does not answer 503 with the chain as it was",
      503,
      { ...good, status: "unhealthy" },
      ["chain_synced"],
      ["it says that chain_synced is good"],
    ],
    [
      "does not answer 503 for another reason beside the chain",
      503,
      { ...down, checks: { ...down.checks, p2p_connected: gone } },
      ["chain_synced"],
      ["it says that p2p_connected is bad"],
    ],
    [
      "does not answer 503 and say that it is healthy",
      503,
      { ...down, status: "healthy" },
      ["chain_synced"],
      ['its status is "healthy", not "unhealthy"'],
    ],
  ])("%s", (_, status, body, bad, complaints) =>
    expect(complaintsOf({ status, body }, bad)).toEqual(complaints),
  );

  it("tells what fails, and why", () => {
    expect([failing(down), failing(good), failing(undefined)]).toEqual([
      ...["chain_synced: gone", "", ""],
    ]);
  });

  it.each<[string, Parameters<typeof describeHealth>[0], string]>([
    ["with what fails", { status: 503, body: down }, "/health answers 503 (chain_synced: gone)"],
    ["by its status alone", { status: 200, body: good }, "/health answers 200"],
    ["by why there is none", "it refused", "it refused"],
  ])("is described %s", (_, health, words) => expect(describeHealth(health)).toBe(words));
});

describe("a run", () => {
  const results = (verdicts: Partial<Record<CheckName, Verdict>>): readonly CheckResult[] =>
    (Object.entries(verdicts) as [CheckName, Verdict][]).map(([name, verdict]) => ({
      ...{ name, verdict, seconds: 1 },
    }));

  it.each<[string, readonly CheckName[], Partial<Record<CheckName, Verdict>>, string | undefined]>([
    ["goes on when what is needed passed", ["startup"], { startup: "passed" }, undefined],
    ["goes on when nothing is needed", [], { startup: "failed" }, undefined],
    ["goes on past what is not needed", ["startup"], { config: "failed" }, undefined],
    ["stops at what failed", ["startup"], { startup: "failed" }, "startup"],
    ["stops at what was skipped", ["startup", "gpu"], { startup: "passed", gpu: "skipped" }, "gpu"],
    ["stops at what proved nothing", ["vram"], { vram: "inconclusive" }, "vram"],
  ])("%s", (_, after, before, blocking) =>
    expect(blockedBy({ after }, results(before))).toBe(blocking),
  );

  it.each<[string, Partial<Record<CheckName, Verdict>>, ReturnType<typeof verdictOf>]>([
    ["passed", { config: "passed", user: "passed" }, { verdict: "passed" }],
    ["passed where a check was skipped", { config: "skipped" }, { verdict: "passed" }],
    [
      "failed by what failed, whatever else",
      { config: "failed", vram: "inconclusive", grpc: "failed" },
      { verdict: "failed", reason: "failed: config, grpc" },
    ],
    [
      "proved nothing where nothing failed",
      { config: "passed", vram: "inconclusive" },
      { verdict: "inconclusive", reason: "inconclusive: vram" },
    ],
  ])("%s", (_, verdicts, verdict) => expect(verdictOf(results(verdicts))).toEqual(verdict));
});
