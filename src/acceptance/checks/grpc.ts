import { type Check, failed, judged } from "../check.ts";
import { awaitSample, sampleOf } from "../metrics-page.ts";

/** Milliseconds that a round may take. */
const deadline = 5_000;
const rounds = { name: "nsn_bft_round_duration_seconds_count" };
const promised = ["grpc.health.v1.Health", "nsn.bft.v1.BftCoordination", "nsn.director.v1.Vortex"];

/** The health service serves, reflection names the services, and one round is coordinated with the second node. */
export const grpc: Check = {
  name: "grpc",
  after: ["startup"],
  seconds: () => 90,
  run: async (world) => {
    const { nodes, clock } = world;
    const calls = await world.grpc(nodes.main);
    try {
      const status = await calls.health("");
      const services = await calls.services();
      const missing = promised.filter((name) => !services.includes(name));
      const complaints = [
        ...(status === "SERVING" ? [] : [`its health service says ${status}`]),
        ...(missing.length === 0 ? [] : [`reflection does not name ${missing.join(", ")}`]),
      ];
      if (complaints.length > 0) return failed(complaints.join("; "), { services });
      await nodes.second();
      const voters = await awaitSample(
        ...([
          nodes.main,
          { name: "nsn_bft_voters" },
          (value: number) => value >= 2,
          30,
          world,
        ] as const),
      );
      if (!voters.met)
        return failed(`no second voter came within 30 s (nsn_bft_voters is ${voters.last})`);
      const before = (await sampleOf(nodes.main, rounds.name, {}, world)) ?? 0;
      const digest = new Uint8Array(32).fill(7);
      const round = await calls.propose(clock.now() % 2 ** 31, digest, deadline);
      const counted = await awaitSample(nodes.main, rounds, (count) => count > before, 5, world);
      return judged(
        [
          ...(counted.met ? [] : [`${rounds.name} did not count the round (${counted.last})`]),
          ...(round.ballots >= round.quorum && round.quorum >= 2
            ? []
            : [`the round ended with ${round.ballots} ballots, its quorum is ${round.quorum}`]),
          ...(round.seconds * 1000 < deadline ? [] : [`the round took ${round.seconds} s`]),
        ],
        { roundSeconds: round.seconds, ballots: round.ballots, services },
        { roundSeconds: deadline / 1000 },
      );
    } catch (error) {
      world.signal.throwIfAborted();
      return failed(`gRPC: ${error instanceof Error ? error.message : error}`);
    } finally {
      calls.close();
    }
  },
};
