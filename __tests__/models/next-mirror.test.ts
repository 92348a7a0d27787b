import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { IntegrityError } from "../../src/errors.ts";
import type { LockedModel } from "../../src/models/lock.ts";
import { pullModels } from "../../src/models/pull.ts";
import { resolveLock } from "../../src/models/resolve.ts";
import { parseSpec } from "../../src/models/spec.ts";
import { answer, corruptAt, type Deed, disconnectAfter } from "../fakes/faults.ts";
import { pushing, states, three } from "./pushing.ts";
import { openLock, sha256 } from "./world.ts";

const given = pushing();
const right = three["c.safetensors"] ?? Buffer.of();
const wrong = Buffer.from(right).fill(7, 500_000, 500_001);

/** A folder with the file of model three, as a mirror; its path is its name in messages. */
function mirror(name: string, bytes: Buffer): string {
  const folder = join(given.world.folder, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "c.safetensors"), bytes);
  return pathToFileURL(folder).href;
}

/** Model three with these mirrors after its hub, which goes wrong. */
function mirrored(does: Deed, ...mirrors: string[]): LockedModel {
  given.world.faults.push({ path: "/cdn/nsn/three", does });
  const [model] = given.lock.models.slice(-1);
  if (model === undefined) throw new Error("no model");
  return { ...model, mirrors };
}

const out = () => join(given.world.folder, "volume");
const pull = (model: LockedModel) => pullModels(openLock(model), given.world.ports, { out: out() });
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const beginnings = () =>
  given.world.messages.filter((message) => message.includes("Beginning again"));

describe("right-sized, wrong bytes from the hub", () => {
  it("are thrown away by a pull, which begins again with the mirror", async () => {
    const model = mirrored(corruptAt(300_000), mirror("mirror", right));
    const { bytesRead } = await pull(model);
    expect(readFileSync(join(out(), "three/c.safetensors")).equals(right)).toBe(true);
    expect(readdirSync(join(out(), "three"))).toEqual(["c.safetensors"]);
    expect(bytesRead).toBe(1_400_000);
    expect(beginnings()).toEqual([
      expect.stringMatching(
        /^three\/c\.safetensors: the hub sent 700,000 bytes with sha256 [0-9a-f]{64}, the lock says [0-9a-f]{64}\. Beginning again with .*\/mirror\/c\.safetensors\.$/,
      ),
    ]);
  });

  it.each([
    ["sent", {}],
    ["only checked", { checkOnly: true }],
  ])("cost a layer that is %s a new beginning with the mirror", async (_, options) => {
    const wanted = await given.complete();
    const registry = await given.registry();
    const store = given.world.store(`${registry.host}/nsn/director`);
    const model = mirrored(corruptAt(300_000), mirror("mirror", right));
    for (const layers of [undefined, wanted.layers.slice(-1)]) {
      const pushed = await given.push({ ...openLock(model), layers }, store, options);
      expect(pushed.lock.layers).toEqual(wanted.layers.slice(-1));
      expect(registry.uploadsOpen()).toBe(0);
      registry.repository("nsn/director").blobs.clear();
      registry.repository("nsn/director").tags.clear();
    }
    expect(beginnings()).toHaveLength(2);
  });

  it("cost a layer of several files one new beginning, and the right files stay checked", async () => {
    const [one] = given.lock.models;
    if (one === undefined) throw new Error("no model");
    const honest = await given.push(openLock(one), given.world.store());
    const folder = join(given.world.folder, "hub/nsn/one");
    const mirrors = [pathToFileURL(folder).href];
    given.world.faults.push({ path: "/cdn/nsn/one", does: corruptAt(1_000_000) });
    const store = given.world.store(`${(await given.registry()).host}/nsn/director`);
    const pushed = await given.push(openLock({ ...one, mirrors }), store);
    expect(states(pushed)).toEqual(["uploaded"]);
    expect(pushed.lock.layers).toEqual(honest.lock.layers);
    expect(pushed.result.files).toEqual(honest.result.files);
  });

  it("do not get into a lock's layers", async () => {
    const wanted = await given.complete();
    const { name, title, source, mirrors } = mirrored(corruptAt(300_000), mirror("mirror", right));
    const spec = { version: 1, models: [{ name, title, source, mirrors }] };
    const { lock } = await resolveLock(
      parseSpec(JSON.stringify(spec), "models.json"),
      given.world.ports,
    );
    expect(lock.layers).toEqual(wanted.layers.slice(-1));
    expect(beginnings()).toHaveLength(1);
  });

  it("are said of every place that sent some, when none is left", async () => {
    const model = mirrored(corruptAt(300_000), mirror("a", wrong), mirror("b", wrong));
    for (const work of [
      () => pull(model),
      () => given.push(openLock(model), given.world.store()),
    ]) {
      const error = await failure(work());
      expect(error).toBeInstanceOf(IntegrityError);
      expect(String(error)).toMatch(
        /no source gave it\. .*: the hub sent .*: \S+\/a\/c\.safetensors sent .*: \S+\/b\/c\.safetensors sent .*sha256/,
      );
      expect((error as IntegrityError).todo).toMatch(/models lock --update/);
    }
    expect(readdirSync(join(out(), "three"))).toEqual([]);
  });
});

describe("who is asked no more", () => {
  it("is not a mirror that gave the end only: it is asked for the whole", async () => {
    const half: Deed = (next) => disconnectAfter(400_000)(corruptAt(100_000)(next));
    given.world.faults.push({ path: "/cdn/nsn/three", nth: 2, does: answer(404) });
    const model = mirrored(half, mirror("mirror", right));
    await pull(model);
    expect(readFileSync(join(out(), "three/c.safetensors")).equals(right)).toBe(true);
    expect(beginnings()).toEqual([
      expect.stringMatching(
        /: the hub and \S+\/mirror\/c\.safetensors sent 700,000 bytes .* Beginning again with \S+\/mirror\/c\.safetensors\.$/,
      ),
    ]);
  });

  it("is a place that failed, and it is not named for bytes that it never gave", async () => {
    const model = mirrored(answer(404), mirror("a", wrong), mirror("b", right));
    await pull(model);
    expect(beginnings()).toEqual([
      expect.stringMatching(/^three\/c\.safetensors: \S+\/a\/c\.safetensors sent 700,000 bytes/),
    ]);
    const asked = given.world.hub.requests.filter(({ url }) => url.startsWith("/cdn/nsn/three"));
    expect(asked).toHaveLength(1);
  });

  it("is nobody where an earlier try had left wrong bytes", async () => {
    const [model] = given.lock.models.slice(-1);
    if (model === undefined) throw new Error("no model");
    const part = `c.safetensors.${sha256(right).slice(0, 12)}.part`;
    mkdirSync(join(out(), "three"), { recursive: true });
    writeFileSync(join(out(), "three", part), wrong.subarray(0, 600_000));
    expect((await pull(model)).files).toMatchObject([{ state: "pulled" }]);
    expect(beginnings()).toEqual([
      expect.stringContaining("the part of an earlier try and the hub sent"),
    ]);
  });
});
