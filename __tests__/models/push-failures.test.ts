import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { IntegrityError, RemoteError } from "../../src/errors.ts";
import type { Lock } from "../../src/models/lock.ts";
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
import { startRegistryProcess } from "../fakes/registry-process.ts";
import { startProxy } from "../fakes/registry-proxy.ts";
import { platforms, pushing, states } from "./pushing.ts";
import { openLock, publish } from "./world.ts";

const given = pushing();

describe("what goes wrong on the way", () => {
  it("a layer that the registry loses before its manifest comes is sent again", async () => {
    const registry = await given.registry({ loseLayers: 1 });
    const store = given.world.store(`${registry.host}/nsn/director`);
    const { result } = await given.push(given.lock, store);
    expect(await store.manifestDigest(lockTag(given.lock))).toBe(result.digest);
    expect(result.bytesRead).toBeGreaterThan(2_900_002);
  });

  it("an upload that breaks goes on, and its source is not read from the beginning", async () => {
    const registry = await startRegistryProcess();
    given.closing(registry);
    const faults = [{ method: "PATCH", nth: 1, does: disconnectUploadAfter(600_000) }];
    const proxy = await startProxy(registry.host, faults);
    given.closing(proxy);
    const store = given.world.store(`${proxy.host}/nsn/director`);
    const { result, lock: completed } = await given.push(given.lock, store);
    expect(states({ result, lock: completed })).toEqual(["uploaded", "uploaded", "uploaded"]);
    expect(completed).toEqual(await given.complete());
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
    const registry = await given.registry();
    const store = given.world.store(`${registry.host}/nsn/director`);
    const whole = await given.complete();
    given.world.faults.push(fault);
    await expect(given.push(whole, store, { concurrency: 1 })).rejects.toBeInstanceOf(kind);
    expect(await store.tags()).toEqual([]);
    expect(await store.blobSize(whole.layers[1]?.digest ?? "sha256:")).toBeUndefined();
    given.world.faults.splice(0);
    const again = await given.push(whole, store);
    expect(states(again)).toEqual(["present", "uploaded", "uploaded"]);
  });

  it("a lock whose layer digest is wrong is found out, pushed or only checked", async () => {
    const whole = await given.complete();
    const wrong = {
      ...whole,
      layers: whole.layers.map((layer) => ({
        ...layer,
        digest: `sha256:${layer.digest.slice(7).replaceAll(/./g, "0")}` as const,
      })),
    };
    const { host } = await given.registry();
    for (const [checkOnly, place] of [
      [true, undefined],
      [false, undefined],
      [false, `${host}/nsn/director`],
    ] as const) {
      const error = await given
        .push(wrong, given.world.store(place), { checkOnly })
        .catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(IntegrityError);
      expect((error as IntegrityError).todo).toMatch(/The files are right, .* lock --repack\.$/);
    }
  });

  it("an empty file is refused by the gate unless the lock allows it", async () => {
    const model = await publish(given.world, "empty", { "nothing.txt": Buffer.alloc(0) });
    await expect(given.push(openLock(model), given.world.store())).rejects.toThrow(
      "models/empty/nothing.txt: the weights gate refuses it (rule no-empty): it is empty.",
    );
    const allowed = {
      ...model,
      files: model.files.map((file) => ({ ...file, allow: "a marker" })),
    };
    const { result } = await given.push(openLock(allowed), given.world.store());
    expect(result.files).toEqual([
      {
        ...{ file: "empty/nothing.txt", type: "empty", verdict: "passed" },
        ...{ rule: "allowed: a marker", reason: "it is empty." },
      },
    ]);
  });

  it("a pointer that was locked in the place of weights is refused by the gate", async () => {
    const pointer = Buffer.from(
      `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 5\n`,
    );
    const model = await publish(given.world, "pointer", { "weights.txt": pointer });
    await expect(given.push(openLock(model), given.world.store())).rejects.toThrow(
      /git-lfs pointer/,
    );
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
      ...given.world.log,
      progress: () => ({
        update: (done: number) => {
          if (done >= bytes) stop.abort(new Error("told to stop"));
        },
        end: () => undefined,
      }),
    };
    const ports = { ...given.world.ports, log, store };
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
    const registry = await given.registry();
    const store = given.world.store(`${registry.host}/nsn/director`);
    const whole = await given.complete();
    await interrupted(whole, store, bytes);
    expect(await store.tags()).toEqual([]);
    expect(states(await given.push(whole, store))).toEqual(expected);
  });

  it("of an open lock goes on by its journal", async () => {
    const registry = await given.registry();
    const store = given.world.store(`${registry.host}/nsn/director`);
    const journal = join(given.world.folder, "results", "models-layers.txt");
    await interrupted(given.lock, store, 2_500_000, { journal });
    const { result, lock: completed } = await given.push(given.lock, store, { journal });
    expect(result.layers.map(({ state }) => state)).toEqual(["present", "present", "uploaded"]);
    expect(completed).toEqual(await given.complete());
    expect(existsSync(journal)).toBe(false);
  });

  it("of an open lock goes on where its journal cannot be written, and says so once", async () => {
    writeFileSync(join(given.world.folder, "a-file"), "");
    const journal = join(given.world.folder, "a-file", "models-layers.txt");
    const pushed = await given.push(given.lock, given.world.store(), { journal });
    expect(states(pushed)).toEqual(["uploaded", "uploaded", "uploaded"]);
    expect(given.world.messages.filter((said) => said.includes("cannot be written"))).toEqual([
      expect.stringContaining(journal),
    ]);
  });

  it("between the layers and the image needs the image only", async () => {
    const registry = await given.registry({}, [
      { method: "PUT", path: /manifests/, nth: 1, does: answer(403) },
    ]);
    const store = given.world.store(`${registry.host}/nsn/director`);
    const whole = await given.complete();
    await expect(given.push(whole, store)).rejects.toBeInstanceOf(Error);
    expect(await store.tags()).toEqual([]);
    const again = await given.push(whole, store);
    expect(states(again)).toEqual(["present", "present", "present"]);
    expect(await store.manifestDigest(lockTag(given.lock))).toBe(again.result.digest);
  });

  it("whose source has fallen silent ends at once", async () => {
    given.world.faults.push({ path: "/cdn/", does: stallAfter(100_000) });
    const stop = new AbortController();
    const work = given.push(given.lock, given.world.store(), { signal: stop.signal });
    setTimeout(() => stop.abort(new Error("told to stop")), 100);
    await expect(work).rejects.toThrow("told to stop");
  });
});
