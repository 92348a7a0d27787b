import { type Check, failed, judged } from "../check.ts";
import { awaitVoter } from "../meeting.ts";
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
      const voters = await awaitVoter(world);
      if (!voters.met) return failed(voters.why);
      const before = await sampleOf(nodes.main, rounds.name, {}, world);
      const digest = new Uint8Array(32).fill(7);
      const round = await calls.propose(clock.now() % 2 ** 31, digest, deadline);
      const least = (typeof before === "number" ? before : 0) + 1;
      const counted = await awaitSample(nodes.main, { ...rounds, least }, 5, world);
      return judged(
        [
          ...(counted.met ? [] : [`the round was not counted: ${counted.why}`]),
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
