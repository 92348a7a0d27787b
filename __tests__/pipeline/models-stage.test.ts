import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { readEnvironment } from "../../src/config/environment.ts";
import { readConfig } from "../../src/config/read.ts";
import { IntegrityError } from "../../src/errors.ts";
import { exec } from "../../src/host/exec.ts";
import { spawn } from "../../src/host/spawn.ts";
import { placeName } from "../../src/images/reference.ts";
import type { LockedModel } from "../../src/models/lock.ts";
import { formatLock } from "../../src/models/lock-text.ts";
import { pushModels } from "../../src/models/push.ts";
import { modelsStage } from "../../src/pipeline/models.ts";
import { opener } from "../../src/pipeline/open.ts";
import { modelsResult } from "../../src/results/stages.ts";
import { folderCache } from "../../src/terminal/cache.ts";
import { folderToolCache } from "../../src/terminal/tool-cache.ts";
import { answer, corruptAt } from "../fakes/faults.ts";
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

/** The stage models of a run that pushes to `image` (but not where it is `untrusted`), with its weights in `repository`. */
async function stage(
  image: string,
  repository: string,
  { untrusted, ...more }: { untrusted?: string; "hub-token"?: string; push?: string } = {},
) {
  const given: Record<string, string> = {
    image,
    "models-repository": repository,
    results: join(world.folder, "results"),
    ...more,
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
    push: untrusted === undefined && more.push !== "false",
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
    { config, facts: { untrusted }, results: { prepare: plan, build: [], scan: [], accept: [] } },
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

describe("a model that the hub shows to nobody without a token", () => {
  const gate = { method: "GET", path: "model.safetensors", does: answer(401) };
  /** A complete lock of it and a model that is open, none of which any registry has. */
  const gated = async () => {
    const lock = openLock(
      await publish(world, "one", { "model.safetensors": weights(300_000) }),
      await publish(world, "two", { "open.safetensors": weights(200_000, 2) }),
    );
    const { lock: complete } = await pushModels(
      lock,
      { ...world.ports, store: world.store() },
      { platforms: ["linux/amd64"] },
    );
    writeFileSync(join(world.folder, "models.lock.json"), formatLock(complete));
    world.faults.push(gate);
    return complete;
  };
  const nowhere = "127.0.0.1:9/a";

  it("is left out of a fork's check, which says so, and everything else is checked", async () => {
    const complete = await gated();
    const result = await stage(nowhere, nowhere, { untrusted: "a fork" });
    expect(statesOf(result)).toEqual(["gated", "checked"]);
    expect(result.layers.map(({ digest }) => digest)).toEqual(
      complete.layers.map(({ digest }) => digest),
    );
    expect(result.files.map(({ file }) => file)).toEqual(["two/open.safetensors"]);
    expect(world.messages).toContain(
      "Not checked: one/model.safetensors. The hub wants a token for that, and a pull request by a fork has none.",
    );
    expect(modelsResult.parse(result)).toEqual(result);
  });

  it.each([
    ["of the repository itself, which can be given one", { push: "false" }, /HTTP 401, no token/],
    [
      "whose token is not good enough",
      { untrusted: "Dependabot", "hub-token": "hf_a" },
      /that was/,
    ],
  ])("fails a run %s", async (_, how, says) => {
    await gated();
    await expect(stage(nowhere, nowhere, how)).rejects.toThrow(says);
  });

  it("may come from a mirror, whose bytes are checked like the hub's", async () => {
    const { models, layers } = await gated();
    const [one, two] = models as [LockedModel, LockedModel];
    const mirrors = ["gone", "mirror"].map(
      (name) => `${world.hub.endpoint}/nsn/${name}/resolve/main/`,
    );
    const mirrored = async (count: number, bytes: Buffer) => {
      await publish(world, "mirror", { "model.safetensors": bytes });
      world.faults.splice(0, 1, { ...gate, path: "/nsn/one/resolve" });
      const lock = openLock({ ...one, mirrors: mirrors.slice(0, count) }, two);
      const path = join(world.folder, "models.lock.json");
      writeFileSync(path, formatLock({ ...lock, layers }));
      return stage(nowhere, nowhere, { untrusted: "a fork" });
    };
    expect(statesOf(await mirrored(1, weights(300_000)))).toEqual(["gated", "checked"]);
    expect(statesOf(await mirrored(2, weights(300_000)))).toEqual(["checked", "checked"]);
    await expect(mirrored(2, weights(300_000, 9))).rejects.toThrow(IntegrityError);
  });

  it("hides no wrong file beside it", async () => {
    await gated();
    world.faults.push({ method: "GET", path: "open.safetensors", does: corruptAt(150_000) });
    await expect(stage(nowhere, nowhere, { untrusted: "a fork" })).rejects.toThrow(/sha256/);
  });

  it("fails a fork's check whose lock is open: nothing would stand for it in the image", async () => {
    world.faults.push(gate);
    await expect(stage(nowhere, nowhere, { untrusted: "a fork" })).rejects.toMatchObject({
      todo: expect.stringMatching(/director-image models lock with a token, and commit/),
    });
  });

  it("and what another host refuses, is no such model", async () => {
    await gated();
    world.faults.splice(0, 1, { ...gate, path: "/cdn/", does: answer(403) });
    await expect(stage(nowhere, nowhere, { untrusted: "a fork" })).rejects.toThrow(/HTTP 403/);
  });
});

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
