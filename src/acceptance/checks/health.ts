import { type Check, failed, judged, skipped } from "../check.ts";
import { askHealth, awaitHealth, complaintsOf, describe } from "../health.ts";

/** Seconds in which a node must notice that its chain has gone, and that it is back (the reference node's back-off is 15 s at most). */
const notice = 45;

/** 200 with the documented body, 503 when the chain is gone, and 200 again. */
export const health: Check = {
  name: "health",
  after: ["startup"],
  seconds: () => 2 * notice + 30,
  run: async (world) => {
    const { nodes, chain } = world;
    const node = nodes.main;
    const first = await askHealth(node, world);
    if (typeof first === "string" || first.status !== 200)
      return failed(`it was healthy, and is not any more: ${describe(first)}`);
    const wrong = complaintsOf(first.body);
    if (wrong.length > 0) return failed(`its body is not as documented: ${wrong.join("; ")}`);
    if (chain === undefined)
      return skipped("with a real chain nobody stops it, so that 503 was not seen");
    await chain.stop();
    const down = await awaitHealth(node, ({ status }) => status === 503, notice, world);
    await chain.start();
    if (!down.met)
      return failed(
        `the chain's endpoint was stopped, and after ${notice} s ${describe(down.last)}; 503 was wanted`,
      );
    const up = await awaitHealth(node, ({ status }) => status === 200, notice, world);
    const measured = { unhealthySeconds: down.seconds, healthySeconds: up.seconds };
    return judged(
      [
        ...(typeof down.last === "string" ? [] : complaintsOf(down.last.body)),
        ...(up.met
          ? []
          : [`the chain's endpoint is back, and after ${notice} s ${describe(up.last)}`]),
      ],
      measured,
      { unhealthySeconds: notice, healthySeconds: notice },
    );
  },
};
