import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { readEnvironment } from "../../src/config/environment.ts";
import { RemoteError } from "../../src/errors.ts";
import { files } from "../../src/host/files.ts";
import { spawn } from "../../src/host/spawn.ts";
import { opener } from "../../src/pipeline/open.ts";
import { runStep, type StepPorts } from "../../src/pipeline/step.ts";
import type { Step } from "../../src/ports/step.ts";
import { writeResult } from "../../src/results/folder.ts";
import { folderCache } from "../../src/terminal/cache.ts";
import { folderToolCache } from "../../src/terminal/tool-cache.ts";
import { results } from "../report/results.ts";
import { testPorts } from "../stores/ports.ts";

/** What the jobs of a run leave. */
const artifacts = [
  ...["prepare", "models", "build-linux-amd64", "scan-linux-amd64", "assemble"],
].map((name) => `director-image-${name}`);

let folder: string;
/** Those of them that a step asked for. */
let fetched: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "step-"));
  fetched = [];
});
afterEach(() => rm(folder, { recursive: true }));

/** A step's outputs; the step fails. */
async function outputsOfFailed(
  inputs: Readonly<Record<string, string>>,
  message: string,
  upload: StepPorts["artifacts"]["upload"] = async () => undefined,
): Promise<Readonly<Record<string, string>>> {
  const outputs: Record<string, string> = {};
  const given = { image: "127.0.0.1:9/director", results: join(folder, "results"), ...inputs };
  const step: Step = {
    input: (name) => new Map(Object.entries(given)).get(name),
    output: (name, value) => {
      outputs[name] = value;
    },
    summary: async () => undefined,
    fail: () => undefined,
    save: () => undefined,
    saved: () => "",
  };
  const ports = testPorts();
  const all: StepPorts = {
    ...ports,
    step,
    artifacts: {
      upload,
      download: async (isWanted) => {
        fetched.push(...artifacts.filter(isWanted));
        return [];
      },
    },
    spawn,
    tools: folderToolCache(join(folder, "tools")),
    cache: folderCache(join(folder, "kept")),
    env: {},
    open: opener({}, ports),
    signal: new AbortController().signal,
    home: folder,
    made: () => undefined,
  };
  await expect(runStep(readEnvironment({ RUNNER_TEMP: folder }, folder), all)).rejects.toThrow(
    message,
  );
  return outputs;
}

it("a step that fails before its run began leaves no outputs of an earlier step's run", async () => {
  for (const name of ["prepare", "models", "assemble", "promote"] as const)
    await writeResult(files, join(folder, "results"), name, results[name] ?? {});
  const tags = await outputsOfFailed({ tags: "type=nonsense" }, "nonsense");
  expect(Object.keys(tags)).toEqual(["bytes-uploaded"]);
  const begun = await outputsOfFailed({ acceptance: "off", models: "" }, "nothing is published");
  expect(Object.keys(begun).sort()).toEqual([
    ...["bytes-uploaded", "image", "platforms", "push", "tags"],
  ]);
});

it.each([
  ["prepare", "prepare", "is an artifact", undefined],
  ["scan", "scan-linux-amd64", "is an artifact, and no result", undefined],
  ["prepare", "prepare", "hides nothing where it cannot be one", new RemoteError("no artifacts")],
] as const)("the issue of a refresh whose %s failed (%s) %s", async (stage, name, _, refusal) => {
  const uploaded: unknown[] = [];
  const upload = async (name: string, at: string, paths: readonly string[]) => {
    uploaded.push([name, paths]);
    expect(await files.readFile(join(at, "issue.md"), "utf8")).toMatch(/^# Refresh of .* failed\n/);
    if (refusal !== undefined) throw refusal;
  };
  const inputs = { stage, "only-changed": "true", platforms: "linux/amd64" };
  const bad = stage === "prepare" ? { tags: "type=nonsense" } : {};
  const message = stage === "prepare" ? "nonsense" : "no prepare.json";
  await outputsOfFailed({ ...inputs, ...bad }, message, upload);
  expect(uploaded).toEqual([[`director-image-issue-${name}`, ["issue.md"]]]);
});

it("a promote that failed names no tags", async () => {
  for (const name of ["prepare", "assemble"] as const)
    await writeResult(files, join(folder, "results"), name, results[name] ?? {});
  const outputs = await outputsOfFailed({ stage: "promote" }, "");
  expect(outputs).toHaveProperty("digest");
  expect(outputs).not.toHaveProperty("tags");
});

describe("the results before a stage", () => {
  const plan = {
    ...results.prepare,
    image: "127.0.0.1:9/director",
    finished: "2026-11-01T12:00:00Z",
    platforms: [
      { platform: "linux/amd64", runner: "" },
      { platform: "linux/arm64", runner: "" },
    ],
  };
  const built = { ...results.build[0], finished: "2026-11-01T12:05:00Z" };
  const left = (name: string, value: object) =>
    writeResult(files, join(folder, "results"), name, value);

  it.each([
    ["with what the image stands on", true, ["prepare", "models", "build-linux-amd64", "assemble"]],
    [
      "but no layouts of gigabytes, where nothing is pushed",
      false,
      ["prepare", "models", "assemble"],
    ],
  ])("are fetched by accept, %s", async (_, push, names) => {
    await left("prepare", { ...plan, push });
    await outputsOfFailed({ stage: "accept", push: String(push) }, "no assemble.json");
    expect(fetched).toEqual(names.map((name) => `director-image-${name}`));
  });

  it.each([
    ["the build of its platform", "linux/amd64", {}, ["prepare", "build-linux-amd64"]],
    ["no other platform's", "linux/arm64", {}, ["prepare"]],
    ["nothing that its own job has built", "linux/amd64", built, ["prepare"]],
    [
      "what an earlier run has left in the folder",
      "linux/amd64",
      { ...built, finished: "2026-11-01T11:55:00Z" },
      ["prepare", "build-linux-amd64"],
    ],
  ])("are fetched by scan: %s", async (_, platforms, here, names) => {
    await left("prepare", { ...plan, push: false, models: { ...plan.models, lock: "" } });
    if ("platforms" in here) await left("build-linux-amd64", here);
    await outputsOfFailed({ stage: "scan", platforms, push: "false" }, "");
    expect(fetched).toEqual(names.map((name) => `director-image-${name}`));
  });
});
