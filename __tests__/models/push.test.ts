import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { UsageError } from "../../src/errors.ts";
import { lockTag } from "../../src/models/lock-text.ts";
import type { PushOptions } from "../../src/models/push.ts";
import { startRegistry } from "../fakes/registry.ts";
import { startRegistryProcess } from "../fakes/registry-process.ts";
import type { RegistryBehaviour } from "../fakes/registry-state.ts";
import { pushing, states, three } from "./pushing.ts";
import { modelOf, openLock } from "./world.ts";

const given = pushing();

describe("pushing models", () => {
  it("streams what is missing, completes an open lock and writes the models image", async () => {
    const store = given.world.store();
    const { result, lock: completed } = await given.push(given.lock, store);
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
    expect(await store.tags()).toEqual([lockTag(given.lock)]);
    expect(await store.manifestDigest(lockTag(given.lock))).toBe(result.digest);
  });

  it.each([
    ["distribution 3", () => startRegistryProcess()],
    ["the registry of the tests", () => startRegistry()],
  ])(
    "moves nothing the second time, whether the lock is open or complete, in %s",
    async (_, start) => {
      const registry = await start();
      given.closing(registry);
      const store = given.world.store(`${registry.host}/nsn/director`);
      const first = await given.push(given.lock, store);
      const requests = given.world.hub.requests.length;
      for (const again of [given.lock, first.lock]) {
        const { result, lock: completed } = await given.push(again, store);
        expect(result).toMatchObject({
          digest: first.result.digest,
          bytesUploaded: 0,
          bytesRead: 0,
          requests: 0,
        });
        expect(result.layers.map(({ state }) => state)).toEqual(["present", "present", "present"]);
        expect(completed).toEqual(first.lock);
      }
      expect(given.world.hub.requests.length).toBe(requests);
    },
  );

  it("costs one HEAD for each layer and one for the tag when everything is there", async () => {
    const registry = await given.registry();
    const store = given.world.store(`${registry.host}/nsn/director`);
    const { lock: completed } = await given.push(given.lock, store);
    const before = registry.requests.length;
    await given.push(completed, store);
    expect(registry.requests.slice(before).map(({ method }) => method)).toEqual(
      Array(4).fill("HEAD"),
    );
  });

  it("gives the same digests from the hub, a mirror and a folder", async () => {
    const wanted = await given.push(given.lock, given.world.store());
    writeFileSync(join(given.world.folder, "c.safetensors"), three["c.safetensors"] ?? "");
    const models = given.lock.models.map((model) =>
      model.name === "three"
        ? modelOf("three", three, { url: pathToFileURL(given.world.folder).href })
        : model,
    );
    const [first] = models;
    if (first === undefined) throw new Error("no model");
    const mirror = `${given.world.hub.endpoint}/nsn/one/resolve/main/`;
    const broken = { huggingface: "nsn/none", revision: "0".repeat(40) };
    const other = openLock({ ...first, source: broken, mirrors: [mirror] }, ...models.slice(1));
    const { lock: seen } = await given.push(
      other,
      given.world.store(`oci:${join(given.world.folder, "other")}`),
    );
    expect(seen.layers).toEqual(wanted.lock.layers);
  });

  it("only reads, hashes and judges what is missing when nothing may be pushed", async () => {
    const registry = await given.registry();
    const store = given.world.store(`${registry.host}/nsn/director`);
    const { lock: completed } = await given.push(openLock(...given.lock.models.slice(0, 1)), store);
    const whole = { ...(await given.complete()) };
    const before = registry.requests.length;
    const checked = await given.push(whole, store, { checkOnly: true });
    expect(states(checked)).toEqual(["present", "checked", "checked"]);
    expect(checked.result.digest).toBeUndefined();
    expect(checked.result.bytesUploaded).toBe(0);
    expect(checked.result.files.map(({ file }) => file)).toEqual([
      "three/c.safetensors",
      "two/a/b.safetensors",
    ]);
    const asked = registry.requests.slice(before);
    expect(asked.filter(({ method }) => method !== "HEAD" && method !== "GET")).toEqual([]);
    expect(asked.filter(({ method, url }) => method === "GET" && /blobs/.test(url))).toEqual([]);
    expect(checked.lock.layers[0]).toEqual(completed.layers[0]);
  });

  it("refuses a layer above the registry's limit before anything moves", async () => {
    const store = { ...given.world.store(), layerLimit: 1_000_000 };
    await expect(given.push(given.lock, store)).rejects.toThrow(UsageError);
    await expect(given.push(given.lock, store)).rejects.toThrow(
      /one\/model\.safetensors and 1 more|one\/config\.json and 1 more/,
    );
    expect(given.world.hub.requests.filter(({ server }) => server === "cdn")).toEqual([]);
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
    const registry = await given.registry(behaviour);
    const mountFrom = given.world.store(`${registry.host}/nsn/weights`);
    const { lock: completed } = await given.push(given.lock, mountFrom);
    const there = await given.push(completed, given.world.store(`${registry.host}/nsn/director`), {
      mountFrom,
      ...options,
    });
    expect(states(there)).toEqual([state, state, state]);
    expect(there.result.bytesRead).toBe(bytesRead);
  });
});
