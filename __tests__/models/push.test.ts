import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { pushModels } from "../../src/models/push.ts";
import { openLock, publish, startWorld, type World, weights } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const platforms = ["linux/amd64", "linux/arm64"];

async function twoModels() {
  return openLock(
    await publish(world, "one", {
      "model.safetensors": weights(300_000),
      "config.json": Buffer.from("{}"),
    }),
    await publish(world, "two", { "a/b.safetensors": weights(70_000, 2) }),
  );
}

describe("pushing models", () => {
  it("streams what is missing, completes an open lock and writes the models image", async () => {
    const store = world.layout("store");
    const { result, lock } = await pushModels(
      await twoModels(),
      { ...world.ports, store },
      { platforms },
    );
    expect(result.layers.map(({ state }) => state)).toEqual(["uploaded", "uploaded"]);
    expect(lock.layers.map(({ files }) => files)).toEqual([
      ["one/config.json", "one/model.safetensors"],
      ["two/a/b.safetensors"],
    ]);
    expect(result.files).toEqual([
      { file: "one/config.json", type: "json", verdict: "passed" },
      { file: "one/model.safetensors", type: "safetensors", verdict: "passed" },
      { file: "two/a/b.safetensors", type: "safetensors", verdict: "passed" },
    ]);
    expect(await store.manifestDigest((await store.tags())[0] ?? "")).toBe(result.digest);
  });

  it("moves nothing the second time, whether the lock is open or complete", async () => {
    const store = world.layout("store");
    const open = await twoModels();
    const first = await pushModels(open, { ...world.ports, store }, { platforms });
    for (const lock of [open, first.lock]) {
      const { result, lock: completed } = await pushModels(
        lock,
        { ...world.ports, store },
        { platforms },
      );
      expect(result).toMatchObject({
        digest: first.result.digest,
        bytesUploaded: 0,
        bytesRead: 0,
        files: [],
      });
      expect(result.layers.map(({ state }) => state)).toEqual(["present", "present"]);
      expect(completed).toEqual(first.lock);
    }
  });
});
