import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { readEnvironment } from "../../src/config/environment.ts";
import { readFacts } from "../../src/config/facts.ts";
import { readConfig } from "../../src/config/read.ts";
import { files } from "../../src/host/files.ts";
import { spawn } from "../../src/host/spawn.ts";
import type { Digest } from "../../src/images/digest.ts";
import { parseIndex, parseManifest } from "../../src/images/manifest.ts";
import { assembleStage } from "../../src/pipeline/assemble.ts";
import { opener } from "../../src/pipeline/open.ts";
import { readAll } from "../../src/pipeline/run.ts";
import { writeResult } from "../../src/results/folder.ts";
import { type PrepareResult, prepareResult } from "../../src/results/stages.ts";
import { folderCache } from "../../src/terminal/cache.ts";
import { folderToolCache } from "../../src/terminal/tool-cache.ts";
import { results } from "../report/results.ts";
import { collect, open, testPorts } from "../stores/ports.ts";
import { type Desk, openDesk, type Said } from "./program.ts";
import { putRuntime } from "./runtime.ts";
import { writeSpec } from "./weights.ts";

jest.setTimeout(120_000);

const json = ({ code, stdout, stderr }: Said) => {
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
};

let desk: Desk;
let runtime: string;
let models: { readonly digest: Digest };

beforeAll(async () => {
  desk = await openDesk();
  await writeSpec(desk);
  const git = async (...args: readonly string[]) => {
    const { code, stderr } = await testPorts().exec("git", ["-C", desk.folder, ...args]);
    if (code !== 0) throw new Error(stderr);
  };
  await git("init", "--quiet");
  await git("remote", "add", "origin", "https://git.example/nsn/director.git");
  const who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
  await git(...who, "commit", "--quiet", "--allow-empty", "-m", "first");
  json(await desk.cli(["models", "lock", "--json"]));
  for (const folder of ["one", "two"])
    models = json(await desk.cli(["models", "push", "--to", `oci:${folder}`, "--json"]));
  const { digest } = await putRuntime(open(`oci:${desk.folder}/mine/runtime`), "1");
  runtime = `oci:mine/runtime@${digest}`;
});
afterAll(() => desk.remove());

const assemble = async (...args: readonly string[]) =>
  json(await desk.cli(["assemble", "--runtime", runtime, "--json", ...args]));

async function labelsOf(folder: string, manifest: Digest): Promise<Record<string, string>> {
  const store = open(`oci:${desk.folder}/${folder}`);
  const document = await store.readManifest(manifest);
  if (document === undefined) throw new Error(`${folder} has no ${manifest}`);
  const config = await collect(store.readBlob(parseManifest(document).config.digest));
  return JSON.parse(config.toString()).config.Labels;
}

describe("an image that the command assembles", () => {
  it("is the same in whichever folder it is put, and names no folder", async () => {
    const one = await assemble("--to", `oci:${desk.folder}/one`);
    const two = await assemble("--to", "oci:two");
    expect(two.digest).toBe(one.digest);
    expect(await labelsOf("two", two.platforms[0].digest)).toMatchObject({
      "network.nsn.director.models": `layout@${models.digest}`,
    });
  });

  it("has the labels of the models image that it shares layers with, and of its sources", async () => {
    const { platforms } = await assemble("--to", "oci:one");
    expect(await labelsOf("one", platforms[0].digest)).toMatchObject({
      "org.opencontainers.image.base.name": expect.stringMatching(/^layout:models-[0-9a-f]{12}$/),
      "org.opencontainers.image.base.digest": models.digest,
      "org.opencontainers.image.source": "https://git.example/nsn/director",
      "org.opencontainers.image.revision": expect.stringMatching(/^[0-9a-f]{40}$/),
    });
  });

  it("shares no layers with the models image where nothing is baked", async () => {
    const { platforms } = await assemble("--to", "oci:one", "--delivery", "mount");
    const labels = await labelsOf("one", platforms[0].digest);
    expect(labels["network.nsn.director.models"]).toBe(`layout@${models.digest}`);
    expect(Object.keys(labels)).not.toContain("org.opencontainers.image.base.name");
  });
});

describe("the command, with the results of the stages before", () => {
  const platforms = ["linux/amd64", "linux/arm64"];

  /** What prepare, models and build left of a run on the layout `one`. */
  async function leaveResults(folder: string): Promise<void> {
    const place = `oci:${join(desk.folder, "one")}`;
    const plan: PrepareResult = prepareResult.parse({
      ...results.prepare,
      image: place,
      target: place,
      platforms: platforms.map((platform) => ({ platform, runner: "" })),
      labels: { "org.opencontainers.image.title": "from the plan" },
      annotations: { "org.opencontainers.image.title": "from the plan" },
      manifestAnnotations: { "linux/arm64": { note: "for arm64" } },
      models: { lock: "models.lock.json", delivery: "hybrid", repository: place },
      source: { commitTime: 7, created: "1970-01-01T00:00:07Z" },
    });
    await writeResult(files, folder, "prepare", plan);
    await writeResult(files, folder, "models", models);
    const index = await open(`oci:${folder}/runtime`).readManifest(runtime.split("@")[1] ?? "");
    if (index === undefined) throw new Error("the runtime is gone");
    await writeResult(files, folder, "build", {
      repository: "oci:runtime",
      indexes: [],
      cached: false,
      platforms: parseIndex(index).manifests.map(({ digest, size }, at) => ({
        ...{ platform: platforms[at], digest, size, base: { name: "docker.io/library/ubuntu" } },
      })),
    });
    await copyFile(join(desk.folder, "models.lock.json"), join(folder, "models.lock.json"));
  }

  it("makes what the stage makes", async () => {
    const folder = join(desk.folder, "mine");
    await leaveResults(folder);
    const environment = readEnvironment({}, desk.folder);
    const ports = testPorts();
    const given = new Map([
      ["image", "oci:one"],
      ["results", folder],
    ]);
    const stage = await assembleStage(
      {
        config: readConfig((name) => given.get(name), environment),
        facts: await readFacts(environment, ports),
        results: await readAll(folder, ports),
      },
      {
        ...ports,
        spawn,
        tools: folderToolCache(join(desk.folder, "tools")),
        cache: folderCache(join(desk.folder, "kept")),
        env: {},
        open: opener({}, ports),
        signal: new AbortController().signal,
        home: desk.folder,
        made: () => undefined,
      },
    );
    const { digest } = await assemble("--to", "oci:two", "--results", "mine");
    expect(digest).toBe(stage.digest);
  });
});
