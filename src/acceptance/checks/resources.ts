import { type Check, type Finding, failed, inconclusive, judged } from "../check.ts";
import type { Usage } from "../node.ts";
import type { Limits, World } from "../world.ts";

/** Milliseconds that a slot may take. */
const deadline = 120_000;
/** Part of the periods in which the kernel may hold it back, and by how much its memory on the card may move. */
const most = { throttled: 0.1, drift: 0.02 };

/** Slots one after another under the promised limits: no kill, processors to spare, memory on the card steady. */
export const resources: Check = {
  name: "resources",
  after: ["startup", "models"],
  seconds: ({ limits }) => 60 + (limits.slots * deadline) / 1000,
  run: async (world) => {
    const { nodes, limits, clock, signal } = world;
    const node = nodes.main;
    const calls = await world.grpc(node, signal);
    const before = await node.usage();
    const begun = clock.now();
    const vram: number[] = [];
    try {
      for (let slot = 1; slot <= limits.slots; slot += 1)
        vram.push((await calls.generateSlot(1_000 + slot, `load ${slot}`, deadline)).vramBytes);
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : error;
      return failed(`GenerateSlot ended after ${vram.length} of ${limits.slots} slots: ${why}`, {
        slots: vram.length,
      });
    } finally {
      calls.close();
    }
    const { outOfMemory } = await node.state();
    if (outOfMemory) return failed("a process of it was killed for memory");
    const zombies = await lastingZombies(world);
    if (zombies.length > 0)
      return failed(`nobody has waited for the end of its processes: ${zombies.join(", ")}`);
    const after = await node.usage();
    if (before === undefined || after === undefined)
      return inconclusive("this machine's kernel does not tell what the node used");
    return judgeUsage({ before, after, vram, seconds: (clock.now() - begun) / 1000 }, limits);
  },
};

/** Processes that have ended and are still there after a while: whoever started them, or process 1, must wait for them. */
async function lastingZombies({ nodes, clock, signal }: World): Promise<readonly string[]> {
  for (const until = clock.now() + 10_000; ; ) {
    const zombies = (await nodes.main.processes()).filter(({ zombie }) => zombie);
    if (zombies.length === 0 || clock.now() >= until)
      return zombies.map(({ name, pid }) => `${name} (${pid})`);
    await clock.sleep(500, signal);
  }
}

/** What the figures say. Pure. */
export function judgeUsage(
  seen: { before: Usage; after: Usage; vram: readonly number[]; seconds: number },
  { cpus, memoryBytes, slots }: Pick<Limits, "cpus" | "memoryBytes" | "slots">,
): Finding {
  const { before, after, vram, seconds } = seen;
  const load = (after.cpuSeconds - before.cpuSeconds) / (seconds * cpus);
  const throttled = share(before.throttled, after.throttled);
  const [low, high] = [Math.min(...vram), Math.max(...vram)];
  const drift = high === 0 ? 0 : (high - low) / high;
  const percent = (part: number) => `${(100 * part).toFixed(1)} %`;
  return judged(
    [
      ...(load < 1 ? [] : [`it used ${percent(load)} of its ${cpus} processors`]),
      ...(throttled < most.throttled
        ? []
        : [`it was held back in ${percent(throttled)} of the periods, 10 % are allowed`]),
      ...(drift <= most.drift ? [] : [`its memory on the card moved by ${percent(drift)}`]),
    ],
    {
      ...{ slots, seconds, cpuLoad: load, throttled, memoryPeakBytes: after.memoryPeakBytes },
      ...{ vramDrift: drift },
    },
    { cpuLoad: 1, throttled: most.throttled, memoryPeakBytes: memoryBytes, vramDrift: most.drift },
  );
}

function share(before: Usage["throttled"], after: Usage["throttled"]): number {
  if (after === undefined) return 0;
  const periods = after.of - (before?.of ?? 0);
  return periods === 0 ? 0 : (after.periods - (before?.periods ?? 0)) / periods;
}
