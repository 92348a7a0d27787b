import { type Check, type Finding, failed, passed } from "../check.ts";
import { awaitHealth, describe, type Health } from "../health.ts";
import type { RunningNode } from "../node.ts";
import type { World } from "../world.ts";

/** From the start to 200 on /health, and to the container's own word for it. */
export const startup: Check = {
  name: "startup",
  after: [],
  seconds: ({ limits }) => 2 * limits.startupSeconds + 60,
  run: async (world) => {
    const hardened = await start(await world.nodes.startMain(), world);
    if (hardened.verdict === "passed") return hardened;
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
  if (!met)
    return failed(await why(node, last, startupSeconds), { healthySeconds: seconds }, limit);
  const own = await awaitOwnHealth(node, startupSeconds - seconds, world);
  const measured = { healthySeconds: seconds, ...(own === undefined ? {} : { container: own }) };
  return own === undefined || own === "healthy"
    ? passed(measured, limit)
    : failed(
        `/health answers 200 after ${seconds.toFixed(1)} s, but the container's own health check says ${own}`,
        measured,
        limit,
      );
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
    const { health } = await node.state();
    if (health !== "starting" || clock.now() >= until) return health;
    await clock.sleep(500, signal);
  }
}

/** Why a node is not healthy: its end with its last words, or its last answer. */
async function why(node: RunningNode, last: Health | string, seconds: number): Promise<string> {
  const { running, exitCode, outOfMemory } = await node.state();
  const words = (await node.logs())
    .filter(({ text }) => text.trim() !== "")
    .at(-1)
    ?.text.trim();
  const said = words === undefined ? "; it said nothing" : `; its last words: ${words}`;
  if (outOfMemory) return `it used up its memory and was killed${said}`;
  if (!running) return `it ended by itself with exit code ${exitCode}${said}`;
  return `it is not healthy after ${seconds} s: ${describe(last)}`;
}
