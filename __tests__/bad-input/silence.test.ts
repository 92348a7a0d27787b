import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { ending } from "../../src/errors.ts";
import { pushModels } from "../../src/models/push.ts";
import { type Fault, silence, stallAfter } from "../fakes/faults.ts";
import { openLock, publish, startWorld, type World, weights } from "../models/world.ts";

jest.setTimeout(60_000);

let world: World;
beforeEach(async () => {
  world = await startWorld({ idleTimeout: 1_000 });
});
afterEach(() => world.close());

it.each([
  ["from the beginning", silence()],
  ["in the middle of a file", stallAfter(1000)],
])(
  "a source that is silent %s is asked five times, given up, and a repeat completes",
  async (_, does) => {
    const lock = openLock(await publish(world, "one", { "model.safetensors": weights(400_000) }));
    const store = world.store();
    const push = () => pushModels(lock, { ...world.ports, store }, { platforms: ["linux/amd64"] });
    const faults: Fault[] = world.faults;
    faults.push({ method: "GET", path: "model.safetensors", does });
    const { text, exitCode } = ending(await push().catch((error: unknown) => error));
    expect(exitCode).toBe(3);
    expect(text).toMatch(/model\.safetensors.*(fell silent|did not answer in time).*5 attempts/s);
    expect(world.messages.filter((line) => line.startsWith("Retry "))).toHaveLength(4);
    expect(await store.tags()).toEqual([]);
    faults.splice(0);
    await push();
    expect(await store.tags()).toHaveLength(1);
  },
);
