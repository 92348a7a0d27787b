import { join } from "node:path";
import { afterEach, beforeEach, jest } from "@jest/globals";
import type { CompleteLock, Lock } from "../../src/models/lock.ts";
import { type PushedModels, type PushOptions, pushModels } from "../../src/models/push.ts";
import type { Store } from "../../src/ports/store.ts";
import type { Fault } from "../fakes/faults.ts";
import { startRegistry } from "../fakes/registry.ts";
import type { RegistryBehaviour } from "../fakes/registry-state.ts";
import { type Contents, openLock, publish, startWorld, type World, weights } from "./world.ts";

export const platforms = ["linux/amd64", "linux/arm64"];

const one: Contents = {
  "model.safetensors": weights(1_300_000),
  "config.json": Buffer.from("{}"),
};
const two: Contents = { "a/b.safetensors": weights(900_000, 2) };
export const three: Contents = { "c.safetensors": weights(700_000, 3) };

/** A world anew for each test, with three models of 2,900,002 bytes in all and their open lock. */
export interface Pushing {
  readonly world: World;
  readonly lock: Lock;
  push(what: Lock, store: Store, options?: Partial<PushOptions>): Promise<PushedModels>;
  /** The lock with its layers, found by a push to a layout. */
  complete(): Promise<CompleteLock>;
  registry(behaviour?: RegistryBehaviour, faults?: Fault[]): ReturnType<typeof startRegistry>;
  /** Closes it after the test. */
  closing<T extends { close(): Promise<void> }>(server: T): T;
}

export function pushing(): Pushing {
  jest.setTimeout(60_000);
  let world: World;
  let lock: Lock;
  const open: { close(): Promise<void> }[] = [];
  beforeEach(async () => {
    world = await startWorld({ idleTimeout: 500 });
    lock = openLock(
      await publish(world, "one", one),
      await publish(world, "two", two),
      await publish(world, "three", three),
    );
  });
  afterEach(async () => {
    for (const server of open.splice(0).reverse()) await server.close();
    await world.close();
  });
  const push: Pushing["push"] = (what, store, options = {}) =>
    pushModels(what, { ...world.ports, store }, { platforms, ...options });
  const closing: Pushing["closing"] = (server) => {
    open.push(server);
    return server;
  };
  return {
    get world() {
      return world;
    },
    get lock() {
      return lock;
    },
    push,
    complete: async () =>
      (await push(lock, world.store(`oci:${join(world.folder, "elsewhere")}`))).lock,
    registry: async (behaviour = {}, faults = []) =>
      closing(await startRegistry(behaviour, faults)),
    closing,
  };
}

export function states({ result }: PushedModels): readonly string[] {
  return result.layers.map(({ state }) => state);
}
