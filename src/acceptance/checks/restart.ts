import { type Check, failed, judged } from "../check.ts";
import { endOf } from "../ended.ts";
import { askHealth, awaitHealth, describe, type Health } from "../health.ts";
import type { World } from "../world.ts";
import { awaitEnd } from "./shutdown.ts";

/** Killed without warning, it starts again on the same volumes and is the same peer. */
export const restart: Check = {
  name: "restart",
  after: ["startup"],
  endsNode: true,
  seconds: ({ limits }) => 3 * limits.startupSeconds + 60,
  run: async (world) => {
    const { nodes, limits } = world;
    const node = nodes.main;
    if (!(await node.state()).running) await node.restart();
    const isOk = ({ status }: Health) => status === 200;
    const first = await awaitHealth(node, isOk, limits.startupSeconds, world);
    if (!first.met)
      return failed(`it did not start again after its end: ${await why(world, first.last)}`);
    const before = await peerId(world);
    await node.signal("SIGKILL");
    if ((await awaitEnd(node, 10, world)) === undefined) return failed("SIGKILL did not end it");
    await node.restart();
    const again = await awaitHealth(node, isOk, limits.startupSeconds, world);
    if (!again.met)
      return failed(`it is not healthy after kill -9: ${await why(world, again.last)}`);
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

async function why({ nodes }: World, last: Health | string): Promise<string> {
  return (await endOf(nodes.main)) ?? describe(last);
}

async function peerId(world: World): Promise<string | undefined> {
  const health = await askHealth(world.nodes.main, world);
  return typeof health === "string" ? undefined : health.body?.peer_id;
}
