import { awaitAcquaintance } from "../acquaintance.ts";
import { type Check, failed, judged } from "../check.ts";
import { awaitMeeting } from "../meeting.ts";
import { awaitSample, sampleOf } from "../metrics-page.ts";
import { probeMultistream, probeQuic } from "../probes.ts";
import type { World } from "../world.ts";

/** QUIC and TCP answer, a second node finds the first, both know each other's topics, and a message of GossipSub arrives. */
export const p2p: Check = {
  name: "p2p",
  after: ["startup"],
  seconds: () => 120,
  run: async (world) => {
    const { nodes, signal } = world;
    const { host, udp, tcp } = nodes.main.p2p;
    const versions = await probeQuic(host, udp, signal);
    const multistream = await probeMultistream(host, tcp, signal);
    const complaints = [
      ...(versions === undefined ? ["nothing speaks QUIC at 9000/udp"] : []),
      ...(multistream === undefined ? ["nothing speaks libp2p at 9000/tcp"] : []),
    ];
    const met = await awaitMeeting(world);
    if (!met.met) return failed([...complaints, met.why].join("; "));
    const strange = await awaitAcquaintance(10, world);
    const undelivered = await message(world);
    return judged(
      [...complaints, ...strange, ...(undelivered === undefined ? [] : [undelivered])],
      { quic: versions ?? [], peers: met.value },
    );
  },
};

/** Asks the node for a slot, whose recipe it publishes on nsn/recipes; why the second node did not get it. */
async function message(world: World): Promise<string | undefined> {
  const second = await world.nodes.second();
  const topic = { name: "nsn_p2p_messages_total", labels: { topic: "nsn/recipes" } };
  const before = await sampleOf(second, topic.name, topic.labels, world);
  const one = { ...topic, least: (typeof before === "number" ? before : 0) + 1 };
  const calls = await world.grpc(world.nodes.main);
  try {
    // A mesh of two needs a heartbeat or so before it carries anything: the message may have to be sent again.
    for (let slot = 1; slot <= 10; slot += 1) {
      await calls.generateSlot(slot, `acceptance ${slot}`, 30_000);
      if ((await awaitSample(second, one, 3, world)).met) return undefined;
    }
    return "the second node received none of ten messages on nsn/recipes";
  } catch (error) {
    world.signal.throwIfAborted();
    return `no message could be sent: ${error instanceof Error ? error.message : error}`;
  } finally {
    calls.close();
  }
}
