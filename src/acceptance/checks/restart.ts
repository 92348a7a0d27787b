import { type Check, failed, judged } from "../check.ts";
import { awaitEnd } from "../end.ts";
import { askHealth, describe, isHealthy, startAgain } from "../health.ts";
import type { World } from "../world.ts";

/** Killed without warning, it starts again on the same volumes and is the same peer. */
export const restart: Check = {
  name: "restart",
  after: ["startup"],
  endsNode: true,
  seconds: ({ limits }) => 3 * limits.startupSeconds + 60,
  run: async (world) => {
    const { nodes, limits } = world;
    const node = nodes.main;
    const lame = await getReady(world);
    if (lame !== undefined) return failed(lame);
    const before = await peerId(world);
    await node.signal("SIGKILL");
    if ((await awaitEnd(node, 10, world)) === undefined) return failed("SIGKILL did not end it");
    const again = await startAgain(world);
    if (!again.met) return failed(`it is not healthy after kill -9: ${describe(again.last)}`);
    const after = await peerId(world);
    return judged(
      [
        ...(before === undefined ? ["/health does not name its peer id"] : []),
        ...(before === after ? [] : [`it was ${before}, and is ${after} now`]),
      ],
      { healthySeconds: again.seconds },
      { healthySeconds: limits.startupSeconds },
    );
  },
};

/** Has a healthy node that can be killed; why there is none. */
async function getReady(world: World): Promise<string | undefined> {
  const { main } = world.nodes;
  if ((await main.state()).running) {
    const now = await askHealth(main, world);
    return typeof now !== "string" && isHealthy(now)
      ? undefined
      : `it still runs after the check before, and is not healthy: ${describe(now)}`;
  }
  const { met, last } = await startAgain(world);
  return met ? undefined : `it did not start again after its end: ${describe(last)}`;
}

async function peerId(world: World): Promise<string | undefined> {
  const health = await askHealth(world.nodes.main, world);
  return typeof health === "string" ? undefined : health.body?.peer_id;
}
