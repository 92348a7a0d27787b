import { type Check, type Finding, failed, judged } from "../check.ts";
import { endedHow } from "../ended.ts";
import { awaitHealth, describe, isHealthy } from "../health.ts";
import type { NodeState, RunningNode, Target } from "../node.ts";
import type { World } from "../world.ts";

/** From the start to 200 on /health, and to the container's own word for it. */
export const startup: Check = {
  name: "startup",
  after: [],
  endsNode: true,
  seconds: ({ limits }) => 2 * limits.startupSeconds + 60,
  run: async (world) => {
    const { nodes, target } = world;
    const hardened = await start(await nodes.startMain(), world);
    if (hardened.verdict === "passed" || !mayDoWithout(target.kind, await nodes.main.state()))
      return hardened;
    const plain = await start(await nodes.startMain(hardened.reason), world);
    return plain.verdict === "passed" ? plain : hardened;
  },
};

/** Whether hardening may be what a node has ended of. A slow one is not started again: it would be quicker, and nothing but warm. Pure. */
export function mayDoWithout(
  kind: Target["kind"],
  { running, outOfMemory }: Pick<NodeState, "running" | "outOfMemory">,
): boolean {
  return kind === "container" && !running && !outOfMemory;
}

async function start(node: RunningNode, world: World): Promise<Finding> {
  const { startupSeconds: seconds } = world.limits;
  const limit = { healthySeconds: seconds };
  const refused = (await node.state()).error;
  if (refused !== undefined) return failed(`it could not be started: ${refused}`);
  const health = { wanted: isHealthy, since: node.started, seconds };
  const { met, last, seconds: healthySeconds } = await awaitHealth(node, health, world);
  if (!met) {
    const late = typeof last !== "string" && isHealthy(last);
    const slow = late
      ? `it is healthy after ${healthySeconds.toFixed(1)} s only, ${seconds} s are allowed`
      : `it is not healthy after ${seconds} s: ${describe(last)}`;
    return failed((await endOf(node)) ?? slow, { healthySeconds }, limit);
  }
  const own = await ownHealth(node, world);
  return judged(await ownComplaints(node, own, healthySeconds), { healthySeconds, ...own }, limit);
}

interface OwnHealth {
  readonly container?: string;
  readonly containerSeconds?: number;
}

/** What Docker's health check says before the time is over, and when; nothing where there is none. */
async function ownHealth(node: RunningNode, world: World): Promise<OwnHealth> {
  const { clock, signal, limits } = world;
  const until = node.started + limits.startupSeconds * 1000;
  for (;;) {
    const { health, running } = await node.state();
    if (health === undefined) return {};
    const now = clock.now();
    if (health === "healthy")
      return { container: health, containerSeconds: (now - node.started) / 1000 };
    if (health !== "starting" || !running || now >= until) return { container: health };
    await clock.sleep(200, signal);
  }
}

async function ownComplaints(
  node: RunningNode,
  { container }: OwnHealth,
  healthySeconds: number,
): Promise<readonly string[]> {
  if (container === undefined || container === "healthy") return [];
  const ended = await endOf(node);
  if (ended !== undefined) return [ended];
  const late =
    container === "starting" ? " (Docker before 25 asks first after a whole interval)" : "";
  const first = `/health answers 200 after ${healthySeconds.toFixed(1)} s`;
  return [`${first}, but the container's own health check says ${container}${late}`];
}

/** How a node ended, or lost a process for memory, with its last words; undefined while it runs. */
async function endOf(node: RunningNode): Promise<string | undefined> {
  const state = await node.state();
  return state.running && !state.outOfMemory ? undefined : `it ${await endedHow(node, state)}`;
}
