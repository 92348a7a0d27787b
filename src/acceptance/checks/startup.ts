import { type Check, type Finding, failed, passed } from "../check.ts";
import { endOf } from "../ended.ts";
import { awaitHealth, describe, type Health } from "../health.ts";
import type { RunningNode } from "../node.ts";
import type { World } from "../world.ts";

/** From the start to 200 on /health, and to the container's own word for it. */
export const startup: Check = {
  name: "startup",
  after: [],
  endsNode: true,
  seconds: ({ limits }) => 2 * limits.startupSeconds + 60,
  run: async (world) => {
    const hardened = await start(await world.nodes.startMain(), world);
    // There is no such thing for a process.
    if (hardened.verdict === "passed" || world.target.kind === "process") return hardened;
    const plain = await start(await world.nodes.startMain(hardened.reason), world);
    return plain.verdict === "passed" ? plain : hardened;
  },
};

async function start(node: RunningNode, world: World): Promise<Finding> {
  const { startupSeconds } = world.limits;
  const limit = { healthySeconds: startupSeconds };
  const refused = (await node.state()).error;
  if (refused !== undefined) return failed(`it could not be started: ${refused}`);
  const { met, last, seconds } = await awaitHealth(node, isOk, startupSeconds, world);
  const healthy = { healthySeconds: seconds };
  if (!met) return failed(await why(node, last, startupSeconds), healthy, limit);
  const own = await awaitOwnHealth(node, startupSeconds - seconds, world);
  const measured = { ...healthy, ...(own === undefined ? {} : { container: own }) };
  if (own === undefined || own === "healthy") return passed(measured, limit);
  const end = await endOf(node);
  const unhealthy = `/health answers 200 after ${seconds.toFixed(1)} s, but the container's own health check says ${own}`;
  return failed(end ?? unhealthy, measured, limit);
}

function isOk({ status }: Health): boolean {
  return status === 200;
}

/** What Docker's health check says in the end; undefined where there is none. */
async function awaitOwnHealth(
  node: RunningNode,
  seconds: number,
  { clock, signal }: World,
): Promise<string | undefined> {
  const until = clock.now() + seconds * 1000;
  for (;;) {
    const { health, running } = await node.state();
    if (health !== "starting" || !running || clock.now() >= until) return health;
    await clock.sleep(500, signal);
  }
}

/** Why a node is not healthy: its end with its last words, or its last answer. */
async function why(node: RunningNode, last: Health | string, seconds: number): Promise<string> {
  const end = await endOf(node);
  if (end !== undefined) return end;
  const killed = (await node.state()).outOfMemory ? "; a process of it was killed for memory" : "";
  return `it is not healthy after ${seconds} s: ${describe(last)}${killed}`;
}
