import { awaitAcquaintance } from "../acquaintance.ts";
import { type Check, failed, judged } from "../check.ts";
import { awaitSample } from "../metrics-page.ts";
import { probeMultistream, probeQuic } from "../probes.ts";

/** Seconds in which two nodes of one network find each other. */
const meeting = 30;
const atLeast = (least: number) => (value: number) => value >= least;

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
    const second = await nodes.second();
    const peers = { name: "nsn_p2p_connected_peers" };
    const [here, there] = [
      await awaitSample(nodes.main, peers, atLeast(1), meeting, world),
      await awaitSample(second, peers, atLeast(1), meeting, world),
    ];
    if (!here.met || !there.met) {
      const seen = `the node counts ${here.last ?? "none"}, the second ${there.last ?? "none"}`;
      return failed(
        [...complaints, `a second node did not find it within ${meeting} s: ${seen}`].join("; "),
      );
    }
    const strange = await awaitAcquaintance(10, world);
    const undelivered = await message(world);
    return judged(
      [...complaints, ...strange, ...(undelivered === undefined ? [] : [undelivered])],
      { quic: versions ?? [], peers: here.last ?? 0 },
    );
  },
};

/** Asks the node for a slot, whose recipe it publishes on nsn/recipes; why the second node did not get it. */
async function message(world: Parameters<Check["run"]>[0]): Promise<string | undefined> {
  const second = await world.nodes.second();
  const topic = { name: "nsn_p2p_messages_total", labels: { topic: "nsn/recipes" } };
  const before = (await awaitSample(second, topic, () => true, 5, world)).last ?? 0;
  const calls = await world.grpc(world.nodes.main);
  try {
    // A mesh of two needs a heartbeat or so before it carries anything: the message may have to be sent again.
    for (let slot = 1; slot <= 10; slot += 1) {
      await calls.generateSlot(slot, `acceptance ${slot}`, 30_000);
      if ((await awaitSample(second, topic, atLeast(before + 1), 3, world)).met) return undefined;
    }
    return "the second node received none of ten messages on nsn/recipes";
  } catch (error) {
    world.signal.throwIfAborted();
    return `no message could be sent: ${error instanceof Error ? error.message : error}`;
  } finally {
    calls.close();
  }
}
