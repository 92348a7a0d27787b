import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { IntegrityError } from "../../../src/errors.ts";
import type { Digest } from "../../../src/images/digest.ts";
import { parseIndex, parseManifest } from "../../../src/images/manifest.ts";
import { rulesVersion } from "../../../src/models/gate/gate.ts";
import type { CompleteLock, Lock } from "../../../src/models/lock.ts";
import { lockTag } from "../../../src/models/lock-text.ts";
import { modelsImage } from "../../../src/models/models-image.ts";
import { publish as publishImage } from "../../../src/models/publish.ts";
import type { Store } from "../../../src/ports/store.ts";
import type { startRegistry } from "../../fakes/registry.ts";
import { platforms, pushing, states } from "../pushing.ts";
import { openLock, publish, weights } from "../world.ts";
import { latin } from "./sample.ts";

const given = pushing();

const hostile = latin("\x80\x02cos\nsystem\n(X\x02\0\0\0idtR.");

/** The annotation of each layer of the models image, the lock's own layer last. */
async function verdicts(store: Store, lock: Lock): Promise<readonly (string | undefined)[]> {
  const index = await store.readManifest(lockTag(lock));
  const [first] = index === undefined ? [] : parseIndex(index).manifests;
  const manifest = first === undefined ? undefined : await store.readManifest(first.digest);
  return manifest === undefined
    ? []
    : parseManifest(manifest).layers.map(
        ({ annotations }) => annotations?.["network.nsn.director.models.gate"],
      );
}

const passed = `{"verdict":"passed","rules":${rulesVersion}}`;

/** Puts an image of these layers in the place of the one that is there. */
async function replaceImage(
  store: Store,
  lock: CompleteLock,
  verdict: { rules: number; allowed: readonly string[] } | undefined,
): Promise<void> {
  const said = new Map(
    verdict === undefined ? [] : lock.layers.map(({ digest }) => [digest, verdict]),
  );
  const image = modelsImage(lock, said, { platforms });
  await publishImage(image, new Map([[lockTag(lock), undefined]]), store, async () => undefined);
}

/** Whole layers that were read from a repository since the n-th request; small blobs are the lock's. */
const layersRead = (
  registry: Awaited<ReturnType<typeof startRegistry>>,
  lock: CompleteLock,
  from = 0,
) =>
  registry.requests
    .slice(from)
    .filter(
      ({ method, url }) =>
        method === "GET" && lock.layers.some(({ digest }) => url.endsWith(digest)),
    ).length;

/** A model with a file that is refused, and the same let pass by its lock. */
async function pickled(): Promise<{ refused: Lock; allowed: Lock }> {
  const model = await publish(given.world, "pickled", { "model.bin": hostile });
  const files = model.files.map((file) => ({ ...file, allow: "a test of it" }));
  return { refused: openLock(model), allowed: openLock({ ...model, files }) };
}

describe("the verdict on a layer", () => {
  it("is in the models image, with the version of the rules, and costs no reading afterwards", async () => {
    const registry = await given.registry();
    const store = given.world.store(`${registry.host}/nsn/director`);
    const { lock, result } = await given.push(given.lock, store);
    expect(await verdicts(store, lock)).toEqual([passed, passed, passed, undefined]);
    expect(result.gateRules).toBe(rulesVersion);
    const before = registry.requests.length;
    expect((await given.push(lock, store)).result).toMatchObject({
      bytesRead: 0,
      digest: result.digest,
    });
    expect(layersRead(registry, lock, before)).toBe(0);
  });

  it.each([
    ["no image", undefined],
    ["an image without verdicts", { rules: 0 }],
    ["an image with verdicts of other rules", { rules: rulesVersion + 1 }],
  ])("is made by reading back what is there with %s, and nothing is uploaded", async (_, image) => {
    const registry = await given.registry();
    const store = given.world.store(`${registry.host}/nsn/director`);
    const first = await given.push(given.lock, store);
    if (image === undefined) await store.removeTag(lockTag(given.lock));
    else
      await replaceImage(
        store,
        first.lock,
        image.rules === 0 ? undefined : { ...image, allowed: [] },
      );
    const before = registry.requests.length;
    const cdn = given.world.hub.requests.length;
    const again = await given.push(first.lock, store);
    expect(states(again)).toEqual(["present", "present", "present"]);
    expect(again.result.layers.map(({ readBack }) => readBack)).toEqual([true, true, true]);
    expect(again.result.digest).toBe(first.result.digest);
    expect(again.result.files).toEqual(first.result.files);
    expect(again.result.bytesUploaded).toBe(0);
    expect(again.result.bytesRead).toBe(first.lock.layers.reduce((sum, { size }) => sum + size, 0));
    expect(layersRead(registry, first.lock, before)).toBe(3);
    expect(given.world.hub.requests.length).toBe(cdn);
    const { result } = await given.push(first.lock, store);
    expect(result).toMatchObject({ bytesRead: 0, digest: first.result.digest });
  });

  it("is taken from the image of another lock, so that an update reads what changed only", async () => {
    const registry = await given.registry();
    const store = given.world.store(`${registry.host}/nsn/director`);
    const first = await given.push(given.lock, store);
    const changed = await publish(given.world, "three", { "c.safetensors": weights(600_000, 9) });
    const next = openLock(...given.lock.models.slice(0, 2), changed);
    const before = registry.requests.length;
    const { result, lock } = await given.push(
      { ...next, layers: (await given.push(next, given.world.store())).lock.layers },
      store,
    );
    expect(result.layers.map(({ state }) => state)).toEqual(["present", "present", "uploaded"]);
    expect(result.bytesRead).toBe(600_000);
    expect(layersRead(registry, first.lock, before)).toBe(0);
    expect(await verdicts(store, lock)).toEqual([passed, passed, passed, undefined]);
  });

  it("is kept by the journal when a push is interrupted before its image", async () => {
    const registry = await given.registry();
    const store = given.world.store(`${registry.host}/nsn/director`);
    const whole = await given.complete();
    const journal = join(given.world.folder, "journal");
    const broken = { ...store, putManifest: () => Promise.reject(new Error("told to stop")) };
    await expect(given.push(whole, broken, { journal })).rejects.toThrow("told to stop");
    const again = await given.push(whole, store, { journal });
    expect(states(again)).toEqual(["present", "present", "present"]);
    expect(again.result.bytesRead).toBe(0);
    expect(layersRead(registry, whole)).toBe(0);
    expect(await verdicts(store, whole)).toEqual([passed, passed, passed, undefined]);
  });

  it("is wanted where nothing may be pushed, too", async () => {
    const registry = await given.registry();
    const store = given.world.store(`${registry.host}/nsn/director`);
    const { lock } = await given.push(given.lock, store);
    const checked = await given.push(lock, store, { checkOnly: true });
    expect(checked.result.bytesRead).toBe(0);
    await store.removeTag(lockTag(lock));
    const again = await given.push(lock, store, { checkOnly: true });
    expect(again.result.layers.map(({ readBack }) => readBack)).toEqual([true, true, true]);
    expect(await store.tags()).toEqual([]);
  });
});

describe("a file that the gate refuses", () => {
  it("is let pass by its lock's word, which its layer's verdict repeats, and by no other lock's", async () => {
    const registry = await given.registry();
    const store = given.world.store(`${registry.host}/nsn/director`);
    const { refused, allowed } = await pickled();
    const { lock, result } = await given.push(allowed, store);
    expect(result.files).toMatchObject(
      [{ verdict: "passed", rule: "allowed: a test of it", reason: /os\.system/ }].map((file) => ({
        ...file,
        reason: expect.stringMatching(file.reason),
      })),
    );
    expect(await verdicts(store, lock)).toEqual([
      `{"verdict":"passed","rules":${rulesVersion},"allowed":["pickled/model.bin"]}`,
      undefined,
    ]);
    const before = registry.requests.length;
    expect((await given.push(lock, store)).result.bytesRead).toBe(0);
    expect(layersRead(registry, lock, before)).toBe(0);
    const without = { ...refused, layers: lock.layers };
    const push = given.push(without, store);
    await expect(push).rejects.toThrow(
      "models/pickled/model.bin: the weights gate refuses it (rule pickle-global): byte 2, opcode GLOBAL: os.system is not among the globals that a model may name.",
    );
    await expect(push).rejects.toBeInstanceOf(IntegrityError);
    expect(await store.manifestDigest(lockTag(without))).toBeUndefined();
  });

  it("is refused before it is sent, and no layer of it is there", async () => {
    const store = given.world.store();
    const { refused, allowed } = await pickled();
    const { lock } = await given.push(
      allowed,
      given.world.store(`oci:${given.world.folder}/other`),
    );
    for (const checkOnly of [false, true])
      for (const what of [refused, { ...refused, layers: lock.layers }])
        await expect(given.push(what, store, { checkOnly })).rejects.toThrow(/rule pickle-global/);
    expect(await store.blobSize(lock.layers[0]?.digest as Digest)).toBeUndefined();
    expect(await store.tags()).toEqual([]);
  });

  it.each([
    ["mounted", {}, {}],
    ["copied", { mount: "accepted" as const }, { allowCopy: true }],
  ])("is refused in a layer that is %s from another repository", async (_, behaviour, options) => {
    const registry = await given.registry(behaviour);
    const mountFrom = given.world.store(`${registry.host}/nsn/weights`);
    const store = given.world.store(`${registry.host}/nsn/director`);
    const { refused, allowed } = await pickled();
    const { lock } = await given.push(allowed, mountFrom);
    const without = { ...refused, layers: lock.layers };
    await expect(given.push(without, store, { mountFrom, ...options })).rejects.toThrow(
      /pickled\/model\.bin: the weights gate refuses it \(rule pickle-global\)/,
    );
    expect(await store.tags()).toEqual([]);
    const there = await given.push(lock, store, { mountFrom, ...options });
    expect(states(there)).toEqual([_ === "mounted" ? "present" : "uploaded"]);
  });

  it("a layer that is mounted from where nobody gated it is read once", async () => {
    const registry = await given.registry();
    const mountFrom = given.world.store(`${registry.host}/nsn/weights`);
    const { lock } = await given.push(given.lock, mountFrom);
    await mountFrom.removeTag(lockTag(lock));
    const store = given.world.store(`${registry.host}/nsn/director`);
    const there = await given.push(lock, store, { mountFrom });
    expect(states(there)).toEqual(["mounted", "mounted", "mounted"]);
    expect(there.result.layers.map(({ readBack }) => readBack)).toEqual([true, true, true]);
    expect(await verdicts(store, lock)).toEqual([passed, passed, passed, undefined]);
  });

  it("a layer whose files are not the lock's is found out when it is read back", async () => {
    const store = given.world.store();
    const { lock } = await given.push(given.lock, store);
    await store.removeTag(lockTag(lock));
    const models = lock.models.map((model) => ({
      ...model,
      files: model.files.map((file) => ({ ...file, sha256: "0".repeat(64) })),
    }));
    await expect(given.push({ ...lock, models }, store)).rejects.toThrow(
      /its layer has a file with sha256 [0-9a-f]{64}, the lock says 0{64}\./,
    );
  });
});
