import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { IntegrityError, RemoteError, UsageError } from "../../src/errors.ts";
import type { CompleteLock, Lock } from "../../src/models/lock.ts";
import { lockTag } from "../../src/models/lock-text.ts";
import { type PushOptions, pushModels } from "../../src/models/push.ts";
import type { Store } from "../../src/ports/store.ts";
import {
  answer,
  corruptAt,
  disconnectAfter,
  disconnectUploadAfter,
  type Fault,
  stallAfter,
} from "../fakes/faults.ts";
import { startRegistry } from "../fakes/registry.ts";
import { startRegistryProcess } from "../fakes/registry-process.ts";
import { startProxy } from "../fakes/registry-proxy.ts";
import type { RegistryBehaviour } from "../fakes/registry-state.ts";
import {
  type Contents,
  modelOf,
  openLock,
  publish,
  startWorld,
  type World,
  weights,
} from "./world.ts";

jest.setTimeout(60_000);

const one: Contents = {
  "model.safetensors": weights(1_300_000),
  "config.json": Buffer.from("{}"),
};
const two: Contents = { "a/b.safetensors": weights(900_000, 2) };
const three: Contents = { "c.safetensors": weights(700_000, 3) };

let world: World;
let lock: Lock;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  world = await startWorld({ idleTimeout: 500 });
  lock = openLock(
    await publish(world, "one", one),
    await publish(world, "two", two),
    await publish(world, "three", three),
  );
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await world.close();
});

const platforms = ["linux/amd64", "linux/arm64"];
const push = (what: Lock, store: Store, options: Partial<PushOptions> = {}) =>
  pushModels(what, { ...world.ports, store }, { platforms, ...options });
const states = ({ result }: Awaited<ReturnType<typeof push>>) =>
  result.layers.map(({ state }) => state);
const complete = async (): Promise<CompleteLock> =>
  (await push(lock, world.store(`oci:${join(world.folder, "elsewhere")}`))).lock;

async function fakeRegistry(behaviour: RegistryBehaviour = {}, faults: Fault[] = []) {
  const registry = await startRegistry(behaviour, faults);
  closing.push(() => registry.close());
  return registry;
}

describe("pushing models", () => {
  it("streams what is missing, completes an open lock and writes the models image", async () => {
    const store = world.store();
    const { result, lock: completed } = await push(lock, store);
    expect(result.layers.map(({ state }) => state)).toEqual(["uploaded", "uploaded", "uploaded"]);
    expect(completed.layers.map(({ files }) => files)).toEqual([
      ["one/config.json", "one/model.safetensors"],
      ["two/a/b.safetensors"],
      ["three/c.safetensors"],
    ]);
    expect(result.files).toEqual([
      { file: "one/config.json", type: "json", verdict: "passed" },
      { file: "one/model.safetensors", type: "safetensors", verdict: "passed" },
      { file: "three/c.safetensors", type: "safetensors", verdict: "passed" },
      { file: "two/a/b.safetensors", type: "safetensors", verdict: "passed" },
    ]);
    expect(result.bytesRead).toBe(2_900_002);
    expect(await store.tags()).toEqual([lockTag(lock)]);
    expect(await store.manifestDigest(lockTag(lock))).toBe(result.digest);
  });

  it.each([
    ["distribution 3", () => startRegistryProcess("TEST_REGISTRY_BIN")],
    ["the registry of the tests", () => startRegistry()],
  ])(
    "moves nothing the second time, whether the lock is open or complete, in %s",
    async (_, start) => {
      const registry = await start();
      closing.push(() => registry.close());
      const store = world.store(`${registry.host}/nsn/director`);
      const first = await push(lock, store);
      const requests = world.hub.requests.length;
      for (const again of [lock, first.lock]) {
        const { result, lock: completed } = await push(again, store);
        expect(result).toMatchObject({
          digest: first.result.digest,
          bytesUploaded: 0,
          bytesRead: 0,
          requests: 0,
        });
        expect(result.layers.map(({ state }) => state)).toEqual(["present", "present", "present"]);
        expect(completed).toEqual(first.lock);
      }
      expect(world.hub.requests.length).toBe(requests);
    },
  );

  it("costs one HEAD for each layer and one for the tag when everything is there", async () => {
    const registry = await fakeRegistry();
    const store = world.store(`${registry.host}/nsn/director`);
    const { lock: completed } = await push(lock, store);
    const before = registry.requests.length;
    await push(completed, store);
    expect(registry.requests.slice(before).map(({ method }) => method)).toEqual(
      Array(4).fill("HEAD"),
    );
  });

  it("gives the same digests from the hub, a mirror and a folder", async () => {
    const wanted = await push(lock, world.store());
    writeFileSync(join(world.folder, "c.safetensors"), three["c.safetensors"] ?? "");
    const models = lock.models.map((model) =>
      model.name === "three"
        ? modelOf("three", three, { url: pathToFileURL(world.folder).href })
        : model,
    );
    const [first] = models;
    if (first === undefined) throw new Error("no model");
    const mirror = `${world.hub.endpoint}/nsn/one/resolve/main/`;
    const broken = { huggingface: "nsn/none", revision: "0".repeat(40) };
    const other = openLock({ ...first, source: broken, mirrors: [mirror] }, ...models.slice(1));
    const { lock: seen } = await push(other, world.store(`oci:${join(world.folder, "other")}`));
    expect(seen.layers).toEqual(wanted.lock.layers);
  });

  it("only reads, hashes and judges what is missing when nothing may be pushed", async () => {
    const registry = await fakeRegistry();
    const store = world.store(`${registry.host}/nsn/director`);
    const { lock: completed } = await push(openLock(...lock.models.slice(0, 1)), store);
    const whole = { ...(await complete()) };
    const before = registry.requests.length;
    const checked = await push(whole, store, { checkOnly: true });
    expect(states(checked)).toEqual(["present", "checked", "checked"]);
    expect(checked.result.digest).toBeUndefined();
    expect(checked.result.bytesUploaded).toBe(0);
    expect(checked.result.files.map(({ file }) => file)).toEqual([
      "three/c.safetensors",
      "two/a/b.safetensors",
    ]);
    expect(registry.requests.slice(before).every(({ method }) => method === "HEAD")).toBe(true);
    expect(checked.lock.layers[0]).toEqual(completed.layers[0]);
  });

  it("refuses a layer above the registry's limit before anything moves", async () => {
    const store = { ...world.store(), layerLimit: 1_000_000 };
    await expect(push(lock, store)).rejects.toThrow(UsageError);
    await expect(push(lock, store)).rejects.toThrow(
      /one\/model\.safetensors and 1 more|one\/config\.json and 1 more/,
    );
    expect(world.hub.requests.filter(({ server }) => server === "cdn")).toEqual([]);
  });
});

describe("layers that another repository of the registry has", () => {
  it.each<[string, RegistryBehaviour, Partial<PushOptions>, string, number]>([
    ["are mounted", {}, {}, "mounted", 0],
    [
      "are streamed from their source where the mount is answered by 202",
      { mount: "accepted" },
      {},
      "uploaded",
      2_900_002,
    ],
    [
      "are streamed from their source where the mount is refused",
      { mount: "refused" },
      {},
      "uploaded",
      2_900_002,
    ],
    [
      "are copied from there where that is allowed",
      { mount: "accepted" },
      { allowCopy: true },
      "uploaded",
      0,
    ],
  ])("%s", async (_, behaviour, options, state, bytesRead) => {
    const registry = await fakeRegistry(behaviour);
    const mountFrom = world.store(`${registry.host}/nsn/weights`);
    const { lock: completed } = await push(lock, mountFrom);
    const there = await push(completed, world.store(`${registry.host}/nsn/director`), {
      mountFrom,
      ...options,
    });
    expect(states(there)).toEqual([state, state, state]);
    expect(there.result.bytesRead).toBe(bytesRead);
  });
});

describe("what goes wrong on the way", () => {
  it("a layer that the registry loses before its manifest comes is sent again", async () => {
    const registry = await fakeRegistry({ loseLayers: 1 });
    const store = world.store(`${registry.host}/nsn/director`);
    const { result } = await push(lock, store);
    expect(await store.manifestDigest(lockTag(lock))).toBe(result.digest);
    expect(result.bytesRead).toBeGreaterThan(2_900_002);
  });

  it("an upload that breaks goes on, and its source is not read from the beginning", async () => {
    const registry = await startRegistryProcess("TEST_REGISTRY_BIN");
    closing.push(() => registry.close());
    const faults = [{ method: "PATCH", nth: 1, does: disconnectUploadAfter(600_000) }];
    const proxy = await startProxy(registry.host, faults);
    closing.push(() => proxy.close());
    const store = world.store(`${proxy.host}/nsn/director`);
    const { result, lock: completed } = await push(lock, store);
    expect(states({ result, lock: completed })).toEqual(["uploaded", "uploaded", "uploaded"]);
    expect(completed).toEqual(await complete());
  });

  it.each<[string, Fault, new (...args: never[]) => Error]>([
    ["other bytes", { path: "/cdn/nsn/two", does: corruptAt(500_000) }, IntegrityError],
    ["a file that is gone", { path: "/nsn/two/resolve", does: answer(404) }, RemoteError],
    [
      "a source that never comes back",
      { path: "/cdn/nsn/two", does: disconnectAfter(0) },
      RemoteError,
    ],
  ])("%s ends the push, publishes no image, and a repeat completes it", async (_, fault, kind) => {
    const registry = await fakeRegistry();
    const store = world.store(`${registry.host}/nsn/director`);
    const whole = await complete();
    world.faults.push(fault);
    await expect(push(whole, store, { concurrency: 1 })).rejects.toBeInstanceOf(kind);
    expect(await store.tags()).toEqual([]);
    expect(await store.blobSize(whole.layers[1]?.digest ?? "sha256:")).toBeUndefined();
    world.faults.splice(0);
    const again = await push(whole, store);
    expect(states(again)).toEqual(["present", "uploaded", "uploaded"]);
  });

  it("a lock whose layer digest is wrong is found out, pushed or only checked", async () => {
    const whole = await complete();
    const wrong = {
      ...whole,
      layers: whole.layers.map((layer) => ({
        ...layer,
        digest: `sha256:${layer.digest.slice(7).replaceAll(/./g, "0")}` as const,
      })),
    };
    for (const checkOnly of [true, false])
      await expect(push(wrong, world.store(), { checkOnly })).rejects.toBeInstanceOf(
        IntegrityError,
      );
  });

  it("an empty file is refused by the gate unless the lock allows it", async () => {
    const model = await publish(world, "empty", { "nothing.txt": Buffer.alloc(0) });
    await expect(push(openLock(model), world.store())).rejects.toThrow(
      "models/empty/nothing.txt: the weights gate refuses it: it is empty.",
    );
    const allowed = {
      ...model,
      files: model.files.map((file) => ({ ...file, allow: "a marker" })),
    };
    const { result } = await push(openLock(allowed), world.store());
    expect(result.files).toEqual([
      { file: "empty/nothing.txt", type: "empty", verdict: "passed", rule: "allowed: a marker" },
    ]);
  });

  it("a pointer that was locked in the place of weights is refused by the gate", async () => {
    const pointer = Buffer.from(
      `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 5\n`,
    );
    const model = await publish(world, "pointer", { "weights.txt": pointer });
    await expect(push(openLock(model), world.store())).rejects.toThrow(/git-lfs pointer/);
  });
});

describe("an interrupted push", () => {
  /** Stops the run when so many bytes of layers have been taken by the store. */
  const interrupted = async (
    what: Lock,
    store: Store,
    bytes: number,
    options: Partial<PushOptions> = {},
  ) => {
    const stop = new AbortController();
    const log = {
      ...world.log,
      progress: () => ({
        update: (done: number) => {
          if (done >= bytes) stop.abort(new Error("told to stop"));
        },
        end: () => undefined,
      }),
    };
    const ports = { ...world.ports, log, store };
    const work = pushModels(what, ports, {
      platforms,
      concurrency: 1,
      signal: stop.signal,
      ...options,
    });
    await expect(work).rejects.toThrow("told to stop");
  };

  it.each([
    ["at its very beginning", 1, ["uploaded", "uploaded", "uploaded"]],
    ["in its second layer", 1_500_000, ["present", "uploaded", "uploaded"]],
    ["in its third layer", 2_500_000, ["present", "present", "uploaded"]],
  ])("%s sends only what is missing the second time", async (_, bytes, expected) => {
    const registry = await fakeRegistry();
    const store = world.store(`${registry.host}/nsn/director`);
    const whole = await complete();
    await interrupted(whole, store, bytes);
    expect(await store.tags()).toEqual([]);
    expect(states(await push(whole, store))).toEqual(expected);
  });

  it("of an open lock goes on by its journal", async () => {
    const registry = await fakeRegistry();
    const store = world.store(`${registry.host}/nsn/director`);
    const journal = join(world.folder, "results", "models-layers.txt");
    await interrupted(lock, store, 2_500_000, { journal });
    const { result, lock: completed } = await push(lock, store, { journal });
    expect(result.layers.map(({ state }) => state)).toEqual(["present", "present", "uploaded"]);
    expect(completed).toEqual(await complete());
    expect(existsSync(journal)).toBe(false);
  });

  it("between the layers and the image needs the image only", async () => {
    const registry = await fakeRegistry({}, [
      { method: "PUT", path: /manifests/, nth: 1, does: answer(403) },
    ]);
    const store = world.store(`${registry.host}/nsn/director`);
    const whole = await complete();
    await expect(push(whole, store)).rejects.toBeInstanceOf(Error);
    expect(await store.tags()).toEqual([]);
    const again = await push(whole, store);
    expect(states(again)).toEqual(["present", "present", "present"]);
    expect(await store.manifestDigest(lockTag(lock))).toBe(again.result.digest);
  });

  it("whose source has fallen silent ends at once", async () => {
    world.faults.push({ path: "/cdn/", does: stallAfter(100_000) });
    const stop = new AbortController();
    const work = push(lock, world.store(), { signal: stop.signal });
    setTimeout(() => stop.abort(new Error("told to stop")), 100);
    await expect(work).rejects.toThrow("told to stop");
  });
});
