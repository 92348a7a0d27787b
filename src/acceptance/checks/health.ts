import { type Check, failed, judged, skipped } from "../check.ts";
import { askHealth, awaitHealth, complaintsOf, describe, isHealthy } from "../health.ts";
import type { World } from "../world.ts";

/** Seconds in which a node must notice that its chain has gone, and that it is back (the reference node's back-off is 15 s at most). */
const notice = 45;

/** 200 with the documented body, 503 when the chain is gone, and 200 again. */
export const health: Check = {
  name: "health",
  after: ["startup"],
  seconds: () => 2 * notice + 30,
  run: async (world) => {
    const { nodes, chain, clock } = world;
    const node = nodes.main;
    const first = await askHealth(node, world);
    if (typeof first === "string" || !isHealthy(first))
      return failed(`it was healthy, and is not any more: ${describe(first)}`);
    const wrong = complaintsOf(first, []);
    if (wrong.length > 0) return failed(`its body is not as documented: ${wrong.join("; ")}`);
    if (chain === undefined)
      return skipped("with a real chain nobody stops it, so that 503 was not seen");
    const hasEnded = async () => !(await node.state()).running;
    const down = await withoutChain(world);
    if (!down.met && (await hasEnded())) return failed("it ended");
    if (!down.met)
      return failed(
        `the chain's endpoint was stopped, and after ${notice} s ${describe(down.last)}; 503 was wanted`,
      );
    const back = { wanted: isHealthy, since: clock.now(), seconds: notice };
    const up = await awaitHealth(node, back, world);
    if (!up.met && (await hasEnded())) return failed("it ended");
    return judged(
      [
        ...(typeof down.last === "string" ? [] : complaintsOf(down.last, ["chain_synced"])).map(
          (complaint) => `while the chain's endpoint was stopped: ${complaint}`,
        ),
        ...(up.met
          ? []
          : [`the chain's endpoint is back, and after ${notice} s ${describe(up.last)}`]),
      ],
      { unhealthySeconds: down.seconds, healthySeconds: up.seconds },
      { unhealthySeconds: notice, healthySeconds: notice },
    );
  },
};

/** What the node says while the chain's endpoint is stopped; whatever becomes of it, the endpoint is there again afterwards. */
async function withoutChain(world: World): ReturnType<typeof awaitHealth> {
  const { nodes, chain, clock } = world;
  const gone = { wanted: ({ status }: { status: number }) => status === 503, seconds: notice };
  try {
    await chain?.stop();
    return await awaitHealth(nodes.main, { ...gone, since: clock.now() }, world);
  } finally {
    await chain?.start();
  }
}
