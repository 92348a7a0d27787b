import { afterEach, beforeEach, jest } from "@jest/globals";
import { sourceReader } from "../../src/models/file-reader.ts";
import { filesOf, type LockedModel, type ModelFile } from "../../src/models/lock.ts";
import { publish, startWorld, type World, weights } from "./world.ts";

export const content = weights(400_000);

/** A world anew for each test, with a model of one file, and the reader of that file. */
export interface Reading {
  readonly world: World;
  readonly model: LockedModel;
  /** Puts another world in the place of this test's. */
  anew(options: Parameters<typeof startWorld>[0]): Promise<void>;
  file(changes?: Partial<LockedModel>): ModelFile;
  read(from?: number, changes?: Partial<LockedModel>): Promise<Buffer>;
  /** The Range of each request that came to the hub's storage. */
  rangesAsked(): (string | undefined)[];
}

export function reading(): Reading {
  jest.setTimeout(30_000);
  let world: World;
  let model: LockedModel;
  const start = async (options: Parameters<typeof startWorld>[0]) => {
    world = await startWorld(options);
    model = await publish(world, "one", { "model.safetensors": content });
  };
  beforeEach(() => start({ idleTimeout: 250 }));
  afterEach(() => world.close());
  const file: Reading["file"] = (changes = {}) => {
    const [first] = filesOf([{ ...model, ...changes }]);
    if (first === undefined) throw new Error("no file");
    return first;
  };
  return {
    get world() {
      return world;
    },
    get model() {
      return model;
    },
    anew: async (options) => {
      await world.close();
      await start(options);
    },
    file,
    read: async (from = 0, changes = {}) => {
      const pieces: Uint8Array[] = [];
      const reader = sourceReader("/models", file(changes), world.ports);
      for await (const piece of reader.open(from)) pieces.push(piece);
      return Buffer.concat(pieces);
    },
    rangesAsked: () =>
      world.hub.requests
        .filter(({ server }) => server === "cdn")
        .map(({ headers }) => headers.range),
  };
}
