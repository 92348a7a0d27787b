import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { readEnvironment } from "../../src/config/environment.ts";
import { readConfig } from "../../src/config/read.ts";
import { exec } from "../../src/host/exec.ts";
import { spawn } from "../../src/host/spawn.ts";
import { placeName } from "../../src/images/reference.ts";
import { formatLock } from "../../src/models/lock-text.ts";
import { modelsStage } from "../../src/pipeline/models.ts";
import { opener } from "../../src/pipeline/open.ts";
import { folderCache } from "../../src/terminal/cache.ts";
import { folderToolCache } from "../../src/terminal/tool-cache.ts";
import { type FakeRegistry, startRegistry } from "../fakes/registry.ts";
import { openLock, publish, startWorld, type World, weights } from "../models/world.ts";

jest.setTimeout(60_000);

let world: World;
const registries: FakeRegistry[] = [];
beforeEach(async () => {
  world = await startWorld();
  const model = await publish(world, "one", { "model.safetensors": weights(300_000) });
  writeFileSync(join(world.folder, "models.lock.json"), formatLock(openLock(model)));
});
afterEach(async () => {
  await Promise.all(registries.splice(0).map((registry) => registry.close()));
  await world.close();
});

async function registry(): Promise<FakeRegistry> {
  const started = await startRegistry();
  registries.push(started);
  return started;
}

/** The stage models of a run that pushes to `image`, with its weights in `repository`. */
async function stage(image: string, repository: string) {
  const given: Record<string, string> = {
    image,
    "models-repository": repository,
    results: join(world.folder, "results"),
  };
  const environment = readEnvironment({ HF_ENDPOINT: world.hub.endpoint }, world.folder);
  const config = readConfig((name) => given[name], environment);
  const plan = {
    image: placeName(config.image),
    target: placeName(config.image),
    platforms: [{ platform: "linux/amd64", runner: "" }],
    tags: [],
    labels: {},
    annotations: {},
    manifestAnnotations: {},
    push: true,
    pushReason: "a test",
    cacheMayBeWritten: false,
    models: {
      lock: "models.lock.json",
      delivery: "hybrid" as const,
      repository: placeName(config.models.repository),
    },
    source: { commitTime: 1, created: "1970-01-01T00:00:01Z" },
  };
  const base = { ...world.ports, exec };
  return await modelsStage(
    { config, results: { prepare: plan, build: [], scan: [], accept: [] } },
    {
      ...base,
      open: opener({}, base),
      spawn,
      tools: folderToolCache(join(world.folder, "tools")),
      cache: folderCache(join(world.folder, "kept")),
      env: {},
      signal: new AbortController().signal,
      home: world.folder,
      made: () => undefined,
    },
  );
}

const statesOf = ({ layers }: Awaited<ReturnType<typeof stage>>) =>
  layers.map(({ state }) => state);

describe("the stage models with a repository of its own for the weights", () => {
  it("mounts layers that the image's repository has", async () => {
    const { host } = await registry();
    const image = `${host}/nsn/director`;
    expect(statesOf(await stage(image, image))).toEqual(["uploaded"]);
    const lock = join(world.folder, "results/models.lock.json");
    writeFileSync(join(world.folder, "models.lock.json"), await world.ports.files.readFile(lock));
    const moved = await stage(image, `${host}/nsn/models`);
    expect(statesOf(moved)).toEqual(["mounted"]);
    expect(moved.bytesRead).toBe(0);
  });

  it("asks no other registry for them", async () => {
    const [one, other] = [await registry(), await registry()];
    expect(statesOf(await stage(`${one.host}/a`, `${other.host}/b`))).toEqual(["uploaded"]);
    expect(one.requests).toEqual([]);
  });
});
