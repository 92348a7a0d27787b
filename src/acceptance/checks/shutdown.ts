import { type Check, failed, judged } from "../check.ts";
import { askMetrics, awaitSample, sampleOf } from "../metrics-page.ts";
import type { LogLine, RunningNode } from "../node.ts";
import type { World } from "../world.ts";

/** Seconds within which it must end when nothing is in flight, so that a plain `docker stop` never kills. */
const idleSeconds = 10;
const departures = { name: "nsn_p2p_departures_total", labels: { reason: "announced" } };

/** SIGTERM while others are connected: announced, drained, flushed, exit 0 in time; a second SIGTERM does no harm. */
export const shutdown: Check = {
  name: "shutdown",
  after: ["startup"],
  seconds: ({ limits }) => 2 * limits.shutdownSeconds + 120,
  run: async (world) => {
    const { nodes, limits, clock, signal } = world;
    const node = nodes.main;
    const second = await nodes.second();
    await awaitSample(
      second,
      { name: "nsn_p2p_connected_peers" },
      (peers) => peers >= 1,
      30,
      world,
    );
    const before = (await sampleOf(second, departures.name, departures.labels, world)) ?? 0;
    const calls = await world.grpc(node);
    const inFlight = calls.generateSlot(9_001, "in flight", 30_000).then(
      () => true,
      () => false,
    );
    await clock.sleep(50, signal);
    const begun = clock.now();
    await node.signal("SIGTERM");
    const during = askMetrics(node, "openmetrics", world);
    await clock.sleep(200, signal);
    await node.signal("SIGTERM");
    const end = await awaitEnd(node, limits.shutdownSeconds, world);
    const answered = await during;
    const ended = await inFlight;
    calls.close();
    if (end === undefined) return failed(`it still runs ${limits.shutdownSeconds} s after SIGTERM`);
    const seconds = Math.max(0, (end.at - begun) / 1000);
    const announced = await awaitSample(second, departures, (count) => count > before, 5, world);
    const idle = await idleEnd(world);
    return judged(
      [
        ...(end.exitCode === 0 ? [] : [`it ended with exit code ${end.exitCode}`]),
        ...(announced.met ? [] : ["the second node was not told of its departure"]),
        ...(ended ? [] : ["the gRPC call in flight was cut off"]),
        ...(typeof answered !== "string" && answered.status === 200
          ? []
          : ["/metrics did not answer during the drain"]),
        ...complaintsOf(await node.logs()),
        ...(idle.complaint === undefined ? [] : [idle.complaint]),
      ],
      { seconds, ...(idle.seconds === undefined ? {} : { idleSeconds: idle.seconds }) },
      { seconds: limits.shutdownSeconds, idleSeconds },
    );
  },
};

/** SIGTERM as soon as it runs, with nothing in flight. */
async function idleEnd(
  world: World,
): Promise<{ readonly complaint?: string; readonly seconds?: number }> {
  const node = await world.nodes.another("early-end");
  try {
    await awaitLog(node, 10, world);
    const begun = world.clock.now();
    await node.signal("SIGTERM");
    const end = await awaitEnd(node, world.limits.shutdownSeconds, world);
    if (end === undefined)
      return {
        complaint: `told to stop during its start, it still runs after ${world.limits.shutdownSeconds} s`,
      };
    const seconds = Math.max(0, (end.at - begun) / 1000);
    if (end.exitCode !== 0)
      return {
        seconds,
        complaint: `told to stop during its start, it ended with exit code ${end.exitCode}`,
      };
    return seconds < idleSeconds
      ? { seconds }
      : {
          seconds,
          complaint: `with nothing in flight it took ${seconds.toFixed(1)} s to end, 10 s are allowed`,
        };
  } finally {
    await node.remove();
  }
}

async function awaitLog(
  node: RunningNode,
  seconds: number,
  { clock, signal }: World,
): Promise<void> {
  const until = clock.now() + seconds * 1000;
  while ((await node.logs()).length === 0 && clock.now() < until) await clock.sleep(100, signal);
}

/** When and how it ended; undefined if it did not in time. */
export async function awaitEnd(
  node: RunningNode,
  seconds: number,
  { clock, signal }: Pick<World, "clock" | "signal">,
): Promise<{ readonly at: number; readonly exitCode: number | undefined } | undefined> {
  const until = clock.now() + seconds * 1000;
  for (;;) {
    const state = await node.state();
    if (!state.running) return { at: state.ended ?? clock.now(), exitCode: state.exitCode };
    if (clock.now() >= until) return undefined;
    await clock.sleep(100, signal);
  }
}

/** What the last words lack. Pure. */
export function complaintsOf(logs: readonly LogLine[]): readonly string[] {
  const flushed = logs.filter(({ text }) => text.includes("Metrics flushed: "));
  if (flushed.length !== 1)
    return [`the log has ${flushed.length} lines "Metrics flushed: {json}", one is wanted`];
  const text = flushed[0]?.text.replace(/^.*Metrics flushed: /, "") ?? "";
  try {
    const metrics = JSON.parse(text) as object;
    return typeof metrics === "object" && metrics !== null
      ? []
      : ["the flushed metrics are no object"];
  } catch {
    return ["what follows Metrics flushed: is not JSON"];
  }
}
