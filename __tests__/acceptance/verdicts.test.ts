import { describe, expect, it } from "@jest/globals";
import type { CheckName, CheckResult, Verdict } from "../../src/acceptance/check.ts";
import { judgePage } from "../../src/acceptance/checks/metrics.ts";
import {
  endComplaints,
  complaintsOf as shutdownComplaints,
} from "../../src/acceptance/checks/shutdown.ts";
import type { Format } from "../../src/acceptance/exposition.ts";
import { complaintsOf, describe as describeHealth, failing } from "../../src/acceptance/health.ts";
import { blockedBy, verdictOf } from "../../src/acceptance/run.ts";
import { loadedVram, loadingLines, timelineOf } from "../../src/acceptance/timeline.ts";

const said = (...texts: readonly string[]) =>
  texts.map((text, at) => ({ at: 10_000 + at * 500, text }));

describe("the last words of a node", () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ["are right with its metrics", ["Bye", '12:00 INFO Metrics flushed: {"a":1}'], []],
    ["lack them", ["Bye"], ['the log has 0 lines "Metrics flushed: {json}", one is wanted']],
    [
      "have them twice",
      ["Metrics flushed: {}", "Metrics flushed: {}"],
      ['the log has 2 lines "Metrics flushed: {json}", one is wanted'],
    ],
    [
      "have them cut off",
      ['Metrics flushed: {"a":'],
      ["what follows Metrics flushed: is not JSON"],
    ],
    ["have a number for them", ["Metrics flushed: 3"], ["the flushed metrics are no object"]],
    ["have nothing for them", ["Metrics flushed: null"], ["the flushed metrics are no object"]],
    [
      "tell of a sidecar that ended in order",
      ["INFO Sidecar ended by SIGTERM: exit status: 0", "Metrics flushed: {}"],
      [],
    ],
    [
      "tell of a sidecar that was killed",
      ["INFO Sidecar ended by SIGTERM: signal: 9 (SIGKILL)", "Metrics flushed: {}"],
      ["the sidecar was not ended by its own handler of SIGTERM (signal: 9 (SIGKILL))"],
    ],
  ])("%s", (_, texts, complaints) =>
    expect(shutdownComplaints(said(...texts))).toEqual(complaints),
  );
});

describe("an end after SIGTERM, and once more at 200", () => {
  it.each<[string, number | undefined, number, readonly string[]]>([
    ["is right with exit code 0", 0, 100, []],
    ["is wrong with another", 1, 100, ["it ended with exit code 1"]],
    [
      "is none of the program's own, in a container",
      143,
      100,
      ["SIGTERM ended it as it ends a program that does not handle it"],
    ],
    [
      "is none of the program's own, on this machine",
      undefined,
      100,
      ["SIGTERM ended it as it ends a program that does not handle it"],
    ],
    ["is cut short", undefined, 201, ["a second SIGTERM cut its end short"]],
  ])("%s", (_, exitCode, at, complaints) =>
    expect(endComplaints({ exitCode, at }, 200)).toEqual(complaints),
  );
});

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
    "12:00 INFO Loading FLUX.1 schnell...",
    "Loading Kokoro 82M...\r",
    "Reloading nothing...",
    "12:01 INFO All models loaded. VRAM: 10.8 GB",
  );

  it("names the models in their order", () => {
    expect(loadingLines(logs).map(({ title }) => title)).toEqual(["FLUX.1 schnell", "Kokoro 82M"]);
  });

  it.each<[string, readonly string[], number | undefined]>([
    ["tells the memory of all models", logs.map(({ text }) => text), 10.8],
    ["tells no memory without its one decimal", ["All models loaded. VRAM: 10 GB"], undefined],
    ["tells no memory when it says nothing", [], undefined],
  ])("%s", (_, texts, gigabytes) => expect(loadedVram(said(...texts))).toBe(gigabytes));

  it("is a timeline in seconds after the start was asked for", () => {
    expect(timelineOf(logs, 9_000)).toEqual([
      { what: "created", seconds: 0 },
      { what: "first log", seconds: 1 },
      { what: "loading FLUX.1 schnell", seconds: 1.5 },
      { what: "loading Kokoro 82M", seconds: 2 },
      { what: "models loaded", seconds: 3 },
    ]);
  });

  it("has nothing before the start, whatever its clock says", () => {
    expect(timelineOf(said("Hello"), 99_000)).toContainEqual({ what: "first log", seconds: 0 });
    expect(timelineOf([], 0)).toEqual([{ what: "created", seconds: 0 }]);
  });
});

describe("the body of /health", () => {
  const ok = { ok: true, detail: "" };
  const checks = { p2p_connected: ok, models_loaded: ok, chain_synced: ok };
  const good = { status: "healthy", checks, version: "1.0.0" };
  const down = {
    ...good,
    ...{ status: "unhealthy", checks: { ...checks, chain_synced: { ok: false, detail: "gone" } } },
  };

  it.each<[string, Parameters<typeof complaintsOf>[0], readonly string[]]>([
    ["is as documented when healthy", good, []],
    ["is as documented when unhealthy", down, []],
    ["is JSON", undefined, ["/health gives no JSON object"]],
    ["has a status that is known", { ...good, status: "ok" }, ['its status is "ok"']],
    ["names a version", { ...good, version: "" }, ["it names no version"]],
    [
      "tells each check",
      { ...good, checks: { p2p_connected: ok } },
      ["it does not tell the check models_loaded", "it does not tell the check chain_synced"],
    ],
  ])("%s", (_, body, complaints) => expect(complaintsOf(body)).toEqual(complaints));

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
