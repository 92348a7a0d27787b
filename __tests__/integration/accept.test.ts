import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { AcceptResult } from "../../src/results/stages.ts";
import { buildDirector } from "./director.ts";
import { miniatureLock, pullMiniature } from "./miniature.ts";
import { output, run } from "./workspace.ts";

jest.setTimeout(300_000);

const node = join("node_modules", ".bin", "node");
const broken = join("__tests__", "acceptance", "broken", "broken.py");

let director = "";
let folder = "";
let models = "";
let env: Readonly<Record<string, string>> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "accept-"));
  models = await pullMiniature(folder);
  ({ program: director, env } = await buildDirector());
}, 900_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function accept(command: string, ...more: readonly string[]) {
  const temporary = await mkdtemp(join(folder, "run-"));
  const said = await run(
    node,
    [
      ...["src/cli.ts", "accept", "--process", command, "--models-path", models],
      ...["--lock", miniatureLock, "--json", "--gpu", "off", "--acceptance-slots", "1", ...more],
    ],
    undefined,
    { ...env, RUNNER_TEMP: temporary },
  );
  expect(await leftOf(temporary)).toEqual({ processes: [], files: [] });
  if (said.code > 1) throw new Error(said.stderr);
  const result = JSON.parse(said.stdout) as AcceptResult;
  const of = (verdict: string) =>
    result.checks.filter((check) => check.verdict === verdict).map(({ name }) => name);
  return { code: said.code, result, of };
}

/** What a run has left behind two seconds after its end: processes whose environment names its folder, and what is in that folder. */
async function leftOf(temporary: string) {
  for (const until = Date.now() + 2_000; ; ) {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    const all = await Promise.all(
      pids.map(async (pid) => {
        const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
        if (!environment.includes(temporary)) return [];
        const line = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
        return [line.replaceAll("\0", " ").trim()];
      }),
    );
    const left = { processes: all.flat(), files: await readdir(temporary) };
    if (Date.now() > until || left.processes.length + left.files.length === 0) return left;
    await setTimeout(100);
  }
}

describe("the reference node, as a process", () => {
  it("passes, but for what a process or a machine without a GPU has not", async () => {
    const [xml, svg] = [join(folder, "accept.xml"), join(folder, "accept.svg")];
    const { code, result, of } = await accept(director, "--junit", xml, "--chart", svg);
    expect(of("failed")).toEqual([]);
    expect(of("skipped")).toEqual(["config", "gpu", "vram", "user"]);
    expect({ code, verdict: result.verdict }).toEqual({ code: 0, verdict: "passed" });
    expect(result.timeline?.map(({ what }) => what)).toEqual([
      ...["created", "first log", "p2p", "loading Flux-Schnell", "loading LivePortrait"],
      ...["loading Kokoro-82M", "loading CLIP-ViT-B-32", "loading CLIP-ViT-L-14"],
      ...["models loaded", "healthy"],
    ]);
    expect(await readFile(xml, "utf8")).toMatch(/<testsuites .*tests="13" failures="0"/);
    const root =
      "import sys, xml.etree.ElementTree as t; print(t.parse(sys.argv[1]).getroot().tag)";
    expect(await output("python3", "-c", root, xml)).toBe("testsuites");
    expect(await readFile(svg, "utf8")).toMatch(/^<svg[\s\S]*models loaded/);
  });
});

/** A limit for nodes that never become healthy. */
const soon = ["--startup-timeout", "6s"] as const;

it("takes away what a node leaves running when it ends", async () => {
  const { code, of } = await accept(
    `python3 ${join(process.cwd(), broken)} leaves-child ${director}`,
  );
  expect({ code, failed: of("failed") }).toEqual({ code: 0, failed: [] });
});

describe("a node that is not fit to run", () => {
  /** Which checks fail, and why the first of them does. */
  it.each<[string, readonly string[], RegExp, ...(readonly string[])]>([
    ["crash", ["startup"], /exit code 7; its last words: the last words of a crash/],
    ["slow-start", ["startup"], /not healthy after 6 s: .*connection refused/, ...soon],
    ["hung-health", ["startup"], /not healthy after 6 s: .*did not answer in time/, ...soon],
    ["wrong-body", ["health", "p2p", "restart"], /not as documented: .*it names no version/],
    ["missing-metric", ["metrics"], /openmetrics: nsn_vortex_vram_usage_bytes is missing/],
    ["metrics-500", ["metrics"], /^prometheus: \/metrics answers 500$/],
    ["wrong-type", ["metrics"], /no sample of the gauge nsn_bft_round_duration_seconds/],
    ["not-cumulative", ["metrics"], /buckets of nsn_bft_round_duration_seconds are not cumulative/],
    ["always-healthy", ["health"], /stopped, and after 45 s .*answers 200 .*; 503 was wanted/],
    ["wrong-order", ["models"], /names Flux-Schnell, Kokoro-82M, LivePortrait/],
    ["loses-flush", ["shutdown"], /0 lines "Metrics flushed/],
    ["exit-1", ["shutdown"], /exit code 1/],
    ["ignores-sigterm", ["shutdown"], /still runs 5 s after SIGTERM/, "--shutdown-timeout", "5s"],
    ["new-identity", ["restart"], /it was \S+, and is \S+ now/],
  ])("%s fails %j", async (mode, failing, reason, ...limits) => {
    const { code, result, of } = await accept(
      `python3 ${join(process.cwd(), broken)} ${mode} ${director}`,
      ...limits,
    );
    expect(of("failed")).toEqual(failing);
    expect(result.checks.find(({ name }) => name === failing[0])?.reason).toMatch(reason);
    expect({ code, verdict: result.verdict }).toEqual({ code: 1, verdict: "failed" });
  });
});
