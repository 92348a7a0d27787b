import { type Awaited, awaitSample } from "./metrics-page.ts";
import type { World } from "./world.ts";

/** Seconds after the start of the second node within which both have found each other, whichever check asks. */
const meeting = 30;

/** Waits until both nodes count a peer; the number that the node under test counts, or why they have not met. */
export async function awaitMeeting(world: World): Promise<Awaited> {
  const peers = { name: "nsn_p2p_connected_peers", least: 1 };
  const { main } = world.nodes;
  const second = await world.nodes.second();
  const [here, there] = await Promise.all([
    awaitSample(main, { ...peers, needs: [second] }, left(second.started, world), world),
    awaitSample(second, { ...peers, needs: [main] }, left(second.started, world), world),
  ]);
  if (!here.met) return explained(here, "a second node did not find it");
  return there.met ? here : explained(there, "a second node did not find it");
}

/** Waits until the node under test would ask the second one in a round. */
export async function awaitVoter(world: World): Promise<Awaited> {
  const { main } = world.nodes;
  const second = await world.nodes.second();
  const voters = { name: "nsn_bft_voters", least: 2, needs: [second] };
  const seen = await awaitSample(main, voters, left(second.started, world), world);
  return seen.met ? seen : explained(seen, "no second voter came");
}

function explained(missed: Awaited & { met: false }, what: string): Awaited {
  return missed.late ? { ...missed, why: `${what} within ${meeting} s: ${missed.why}` } : missed;
}

function left(started: number, { clock }: Pick<World, "clock">): number {
  return Math.max(0, meeting - (clock.now() - started) / 1000);
}
