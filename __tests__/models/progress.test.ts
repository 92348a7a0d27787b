import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Lock } from "../../src/models/lock.ts";
import { pullModels } from "../../src/models/pull.ts";
import { resolveLock } from "../../src/models/resolve.ts";
import { parseSpec } from "../../src/models/spec.ts";
import { corruptAt } from "../fakes/faults.ts";
import { pushing, three } from "./pushing.ts";
import { openLock, sha256, weights } from "./world.ts";

const given = pushing();

interface Bar {
  readonly label: string;
  readonly total: number | undefined;
  readonly updates: number[];
  ended: boolean;
}

let bars: Bar[];
beforeEach(() => {
  bars = [];
});

/** The world's ports with a log whose bars are kept. */
function watched() {
  const progress = (label: string, total: number | undefined) => {
    const bar: Bar = { label, total, updates: [], ended: false };
    bars.push(bar);
    return {
      update: (done: number) => bar.updates.push(done),
      end: () => {
        bar.ended = true;
      },
    };
  };
  return { ...given.world.ports, log: { ...given.world.log, progress } };
}

function expectWhole(total: number) {
  const [bar] = bars;
  expect(bars).toEqual([{ ...bar, label: "weights", total, ended: true }]);
  expect(bar?.updates.at(-1)).toBe(total);
  expect(Math.max(...(bar?.updates ?? []))).toBe(total);
}

describe("the bar of a pull", () => {
  const out = () => join(given.world.folder, "volume");
  const pull = (what: Lock) => pullModels(what, watched(), { out: out() });

  it("counts what is there as done", async () => {
    await pull(given.lock);
    expectWhole(2_900_002);
    bars = [];
    expect((await pull(given.lock)).bytesRead).toBe(0);
    expectWhole(2_900_002);
  });

  it("begins at what an earlier try left", async () => {
    const whole = three["c.safetensors"] ?? Buffer.of();
    mkdirSync(join(out(), "three"), { recursive: true });
    const part = `c.safetensors.${sha256(whole).slice(0, 12)}.part`;
    writeFileSync(join(out(), "three", part), whole.subarray(0, 600_000));
    expect((await pull(openLock(...given.lock.models.slice(2)))).bytesRead).toBe(100_000);
    expectWhole(700_000);
    expect(bars[0]?.updates[0]).toBe(600_000);
  });

  it("goes back where a file begins again, and ends at the whole", async () => {
    const [model] = given.lock.models.slice(2);
    if (model === undefined) throw new Error("no model");
    const mirror = pathToFileURL(join(given.world.folder, "hub/nsn/three")).href;
    given.world.faults.push({ path: "/cdn/nsn/three", does: corruptAt(300_000) });
    expect((await pull(openLock({ ...model, mirrors: [mirror] }))).bytesRead).toBe(1_400_000);
    expectWhole(700_000);
  });
});

describe("the bars of models lock", () => {
  const shown = () =>
    bars.map(({ label, total, updates, ended }) => [label, total, updates.at(-1), ended]);
  const resolve = (models: readonly object[], previous?: Lock) =>
    resolveLock(parseSpec(JSON.stringify({ version: 1, models }), "models.json"), watched(), {
      previous,
    });

  it("show the files whose hash nobody tells, then the layers, and nothing that is known", async () => {
    const models = ["one", "two"].map((name) => ({
      name,
      source: { huggingface: `nsn/${name}`, revision: "main" },
      files: ["**"],
    }));
    const { lock } = await resolve(models);
    const layers = lock.layers?.reduce((sum, { size }) => sum + size, 0);
    expect(shown()).toEqual([
      ["hashing weights", 2, 2, true],
      ["reading layers", layers, layers, true],
    ]);
    bars = [];
    await resolve(models, lock);
    expect(shown()).toEqual([]);
  });

  it("show a large file of a folder once: its hash and its layer come of one reading", async () => {
    const size = 65 * 2 ** 20;
    writeFileSync(join(given.world.folder, "x.bin"), weights(size));
    const source = { url: pathToFileURL(given.world.folder).href };
    await resolve([{ name: "disk", source, files: ["x.bin"] }]);
    expect(shown()).toEqual([["hashing weights", size, size, true]]);
    expect(bars[0]?.updates.length).toBeGreaterThan(10);
  });
});
