import { afterEach, beforeEach, jest } from "@jest/globals";
import { type ResolvedLock, type ResolveOptions, resolveLock } from "../../src/models/resolve.ts";
import { parseSpec, type Spec } from "../../src/models/spec.ts";
import { type Contents, publish, startWorld, type World, weights } from "./world.ts";

export const one: Contents = {
  "model.safetensors": weights(1_300_000),
  "config.json": Buffer.from("{}"),
  "sub/vocab.json": Buffer.from("[]"),
  "README.md": Buffer.from("# one"),
};
export const two: Contents = { "b.onnx": weights(900_000, 2) };

export const hubModel = (name: string, more: object = {}) => ({
  name,
  title: name.toUpperCase(),
  source: { huggingface: `nsn/${name}`, revision: "main" },
  ...more,
});
export const spec = (...models: object[]) =>
  parseSpec(JSON.stringify({ version: 1, root: "/models", models }), "models.json");
const both = () => spec(hubModel("one", { files: ["*.safetensors", "*.json"] }), hubModel("two"));

/** A world anew for each test, with two models on its hub, and the lock of both or of another spec. */
export interface Resolving {
  readonly world: World;
  resolve(options?: ResolveOptions, what?: Spec): Promise<ResolvedLock>;
}

export function resolving(): Resolving {
  jest.setTimeout(60_000);
  let world: World;
  beforeEach(async () => {
    world = await startWorld();
    await publish(world, "one", one);
    await publish(world, "two", two);
  });
  afterEach(() => world.close());
  return {
    get world() {
      return world;
    },
    resolve: (options = {}, what = both()) => resolveLock(what, world.ports, options),
  };
}
