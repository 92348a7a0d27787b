import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest } from "@jest/globals";
import type { CompleteLock, Lock } from "../../src/models/lock.ts";
import { lockTag } from "../../src/models/lock-text.ts";
import { type PulledModels, type PullOptions, pullModels } from "../../src/models/pull.ts";
import { pushModels } from "../../src/models/push.ts";
import type { Store } from "../../src/ports/store.ts";
import type { Fault } from "../fakes/faults.ts";
import { startRegistry } from "../fakes/registry.ts";
import type { RegistryBehaviour } from "../fakes/registry-state.ts";
import { type Contents, openLock, publish, startWorld, type World, weights } from "./world.ts";

export const one: Contents = {
  "model.safetensors": weights(1_300_000),
  "sub/config.json": Buffer.from("{}"),
  "sub/other.json": Buffer.from("[]"),
};
const two: Contents = { "b.safetensors": weights(900_000, 2) };

const all = [
  "models.lock.json",
  "one/model.safetensors",
  "one/sub/config.json",
  "one/sub/other.json",
  "two/b.safetensors",
];

/** A world anew for each test, with two models of 2,200,004 bytes in all and their open lock. */
export interface Pulling {
  readonly world: World;
  readonly lock: Lock;
  /** The folder that is pulled into, unless another is said. */
  readonly out: string;
  pull(options?: Partial<PullOptions>, what?: Lock): Promise<PulledModels>;
  /** The files of the folder. */
  found(folder?: string): string[];
  /** The folder has every file of the lock, with its bytes, and the lock. */
  expectWhole(folder?: string): void;
  /** The models' image in a registry, or by default in a layout, and the lock that its push completed. */
  image(host?: string): Promise<{
    readonly image: { readonly store: Store; readonly reference: string };
    readonly completed: CompleteLock;
  }>;
  registry(behaviour?: RegistryBehaviour, faults?: Fault[]): ReturnType<typeof startRegistry>;
}

export function pulling(): Pulling {
  jest.setTimeout(60_000);
  let world: World;
  let lock: Lock;
  let out: string;
  const closing: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    world = await startWorld({ idleTimeout: 500 });
    lock = openLock(await publish(world, "one", one), await publish(world, "two", two));
    out = join(world.folder, "volume");
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await world.close();
  });
  const found: Pulling["found"] = (folder = out) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort();
  return {
    get world() {
      return world;
    },
    get lock() {
      return lock;
    },
    get out() {
      return out;
    },
    pull: (options = {}, what = lock) => pullModels(what, world.ports, { out, ...options }),
    found,
    expectWhole: (folder = out) => {
      expect(found(folder)).toEqual(all);
      for (const [name, contents] of Object.entries({ one, two }))
        for (const [path, bytes] of Object.entries(contents))
          expect(readFileSync(join(folder, name, path)).equals(bytes)).toBe(true);
    },
    image: async (host) => {
      const store = world.store(host === undefined ? undefined : `${host}/nsn/director`);
      const ports = { ...world.ports, store };
      const pushed = await pushModels(lock, ports, { platforms: ["linux/amd64"] });
      return { image: { store, reference: lockTag(lock) }, completed: pushed.lock };
    },
    registry: async (behaviour = {}, faults = []) => {
      const registry = await startRegistry(behaviour, faults);
      closing.push(() => registry.close());
      return registry;
    },
  };
}
