import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "@jest/globals";
import { readEnvironment } from "../../src/config/environment.ts";
import { files } from "../../src/host/files.ts";
import { spawn } from "../../src/host/spawn.ts";
import type { Digest } from "../../src/images/digest.ts";
import { names } from "../../src/images/names.ts";
import { assembleImage } from "../../src/pipeline/assemble-image.ts";
import { opener } from "../../src/pipeline/open.ts";
import { runStep } from "../../src/pipeline/step.ts";
import type { Store } from "../../src/ports/store.ts";
import { writeResult } from "../../src/results/folder.ts";
import type { AssembleResult, PromoteResult, ScanResult } from "../../src/results/stages.ts";
import { folderCache } from "../../src/terminal/cache.ts";
import { folderToolCache } from "../../src/terminal/tool-cache.ts";
import { type FakeRegistry, startRegistry } from "../fakes/registry.ts";
import { results } from "../report/results.ts";
import { open, testPorts } from "../stores/ports.ts";
import { type Made, putRuntime } from "./images.ts";

export interface Candidate {
  readonly made: Made;
  readonly image: AssembleResult;
}

/** What a step left. */
interface Left {
  readonly result: PromoteResult | undefined;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly uploaded: readonly string[];
  readonly error: unknown;
}

/** A registry with candidates in it, and the stage promote as a step of a workflow. */
export interface Refreshing {
  readonly store: Store;
  readonly folder: string;
  /** A candidate whose software is this text, of a month. */
  candidate(software: string, refresh?: string): Promise<Candidate>;
  /** Promotes a candidate that was accepted, with what its scan adds to a pass. */
  promote(
    candidate: Candidate,
    inputs: Readonly<Record<string, string>>,
    scan?: Partial<ScanResult>,
  ): Promise<Left>;
  read(name: string): Promise<string | undefined>;
  /** A clean-up tool takes a manifest or a blob away. */
  lose(digest: Digest): void;
}

export function refreshed(): Refreshing {
  let folder: string;
  let registry: FakeRegistry;
  const place = () => `${registry.host}/nsn/director`;
  const store = () => open(place());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "refreshed-"));
    registry = await startRegistry();
  });
  afterEach(async () => {
    await registry.close();
    await rm(folder, { recursive: true });
  });
  const read = (name: string) =>
    readFile(join(folder, "results", name), "utf8").catch(() => undefined);
  return {
    get store() {
      return store();
    },
    get folder() {
      return folder;
    },
    candidate: (software, refresh) => candidateIn(store(), software, refresh),
    promote: async (candidate, inputs, scan = {}) => {
      const tags = (inputs["tags"] ?? "latest").split(" ");
      await leaveResults(join(folder, "results"), place(), tags, candidate, scan);
      const stage = { stage: "promote", image: place(), models: "" };
      const left = await step(folder, {
        ...{ ...stage, results: join(folder, "results") },
        ...{ ...inputs, tags: "" },
      });
      const text = await read("promote.json");
      const result = text === undefined ? undefined : (JSON.parse(text) as PromoteResult);
      return { result, ...left };
    },
    read,
    lose: (digest) => {
      const { manifests, blobs } = registry.repository("nsn/director");
      if (!manifests.delete(digest)) blobs.delete(digest);
    },
  };
}

async function candidateIn(
  target: Store,
  software: string,
  refresh: string | undefined,
): Promise<Candidate> {
  const made = await putRuntime(target, [{ "app/version": software }]);
  const annotations = refresh === undefined ? {} : { [names.refresh]: refresh };
  const image = await assembleImage(
    {
      ...{ runtimes: [made], platforms: ["linux/amd64"], root: "/models" },
      ...{ models: [], lock: undefined, weights: [], published: [], mayLackModels: false },
      ...{ created: "2026-11-01T00:00:00Z", labels: {}, annotations },
      manifestAnnotations: { "linux/amd64": annotations },
    },
    { weights: target, target, log: testPorts().log, signal: new AbortController().signal },
  );
  return { made, image };
}

/** What the stages before promote leave of a candidate that was accepted. */
async function leaveResults(
  folder: string,
  place: string,
  tags: readonly string[],
  { made, image }: Candidate,
  scan: Partial<ScanResult>,
): Promise<void> {
  const { models: _models, ...plan } = results.prepare as NonNullable<typeof results.prepare>;
  const put = (name: string, result: object) => writeResult(files, folder, name, result);
  await put("prepare", {
    ...{ ...plan, image: place, target: place, tags, version: tags[0] },
    models: { lock: "", delivery: "bake", repository: place },
    source: { ...plan.source, refresh: "2026-12" },
  });
  await put("assemble", image);
  const scanned = { platform: "linux/amd64", digest: made.digest, diffIds: made.diffIds };
  await put("scan", {
    verdict: "passed",
    ...scan,
    platforms: [{ ...scanned, ...scan.platforms?.[0] }],
  });
  await put("accept", {
    ...{ digest: image.digest, platform: "linux/amd64", target: "container" },
    ...{ verdict: "passed", checks: [] },
  });
}

/** One step of a workflow with these inputs. */
async function step(
  folder: string,
  inputs: Readonly<Record<string, string>>,
): Promise<Omit<Left, "result">> {
  const given = new Map(Object.entries(inputs));
  const ports = testPorts();
  let summary = "";
  const outputs: Record<string, string> = {};
  const uploaded: string[] = [];
  const error = await runStep(readEnvironment({ RUNNER_TEMP: folder }, folder), {
    ...ports,
    step: {
      input: (name) => given.get(name),
      output: (name, value) => {
        outputs[name] = value;
      },
      summary: async (text) => {
        summary += text;
      },
      fail: () => undefined,
      save: () => undefined,
      saved: () => "",
    },
    artifacts: {
      upload: async (name, from, paths) => {
        for (const path of paths) await files.stat(join(from, path));
        uploaded.push(...paths.map((path) => `${name}/${path}`));
      },
      download: async () => [],
    },
    spawn,
    tools: folderToolCache(join(folder, "tools")),
    cache: folderCache(join(folder, "kept")),
    ...{ env: {}, home: folder, made: () => undefined },
    open: opener({}, ports),
    signal: new AbortController().signal,
  }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { outputs, summary, uploaded, error };
}
