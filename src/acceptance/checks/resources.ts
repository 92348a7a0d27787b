import { type Check, failed } from "../check.ts";
import { judgeLoad, type SlotMemory } from "../load.ts";
import type { World } from "../world.ts";

/** Milliseconds that a slot may take. */
const deadline = 120_000;

/** Slots one after another under the promised limits: no kill, processors to spare, memory on the card below its limit and steady. */
export const resources: Check = {
  name: "resources",
  after: ["startup", "models"],
  seconds: ({ limits }) => 60 + (limits.slots * deadline) / 1000,
  run: async (world) => {
    const { nodes, limits, clock } = world;
    const node = nodes.main;
    const before = await node.usage();
    const begun = clock.now();
    const slots: SlotMemory[] = [];
    const stopped = await generate(slots, world);
    const { outOfMemory } = await node.state();
    const done = `after ${slots.length} of ${limits.slots} slots`;
    if (outOfMemory) return failed(`a process of it used up the memory and was killed, ${done}`);
    if (stopped !== undefined) return failed(`GenerateSlot ended ${done}: ${stopped}`);
    const seconds = (clock.now() - begun) / 1000;
    const zombies = await lastingZombies(world);
    if (zombies.length > 0)
      return failed(`nobody has waited for the end of its processes: ${zombies.join(", ")}`);
    const during = world.vram.samples.filter(({ at }) => at >= begun).map(({ bytes }) => bytes);
    return judgeLoad({ before, after: await node.usage(), seconds, slots, during }, limits);
  },
};

/** Has the slots generated, and notes each that is done; why one was not. */
async function generate(slots: SlotMemory[], world: World): Promise<string | undefined> {
  const { nodes, limits, vram, signal } = world;
  const calls = await world.grpc(nodes.main);
  try {
    while (slots.length < limits.slots) {
      const slot = slots.length + 1;
      const own = (await calls.generateSlot(1_000 + slot, `load ${slot}`, deadline)).vramBytes;
      const taken = vram.samples.length;
      await vram.sample();
      const card = vram.samples.slice(taken).at(-1)?.bytes;
      slots.push(card === undefined ? { own } : { own, card });
    }
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Error ? error.message : String(error);
  } finally {
    calls.close();
  }
}

/** Processes that have ended and are still there after a while: whoever started them, or process 1, must wait for them. */
async function lastingZombies({ nodes, clock, signal }: World): Promise<readonly string[]> {
  for (const until = clock.now() + 10_000; ; ) {
    const zombies = (await nodes.main.processes()).filter(({ zombie }) => zombie);
    if (zombies.length === 0 || clock.now() >= until)
      return zombies.map(({ name, pid }) => `${name} (${pid})`);
    await clock.sleep(500, signal);
  }
}
