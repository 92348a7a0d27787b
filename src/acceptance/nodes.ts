import type { RunningNode, Target } from "./node.ts";
import { probeQuic } from "./probes.ts";
import type { Nodes } from "./world.ts";

/** Nodes as they are asked for. Both ways of being together are known to whoever started them: the second dials the first. */
export function nodesOf(target: Target, chainUrl: string): Nodes {
  let main: RunningNode | undefined;
  let second: RunningNode | undefined;
  let hardening: string | undefined;
  const started = (): RunningNode => {
    if (main === undefined) throw new Error("No node was started.");
    return main;
  };
  return {
    get main() {
      return started();
    },
    get running() {
      return main;
    },
    get hardening() {
      return hardening;
    },
    startMain: async (why) => {
      await main?.remove();
      hardening = why;
      main = await target.start({
        ...{ name: "node", peers: [], chainUrl },
        hardened: why === undefined,
      });
      return main;
    },
    second: async (signal) => {
      second ??= await target.start({
        ...{ name: "second-node", chainUrl, bare: true, hardened: hardening === undefined },
        peers: [await addressOf(started(), signal)],
      });
      return second;
    },
    another: (name) =>
      target.start({
        ...{ name, chainUrl, peers: [], hardened: hardening === undefined },
      }),
  };
}

/** QUIC where it answers, so that it is tried; else TCP, so that its absence is a fault of the check `p2p` alone. */
async function addressOf({ p2p, multiaddrs }: RunningNode, signal: AbortSignal): Promise<string> {
  const quic = await probeQuic(p2p.host, p2p.udp, signal);
  return quic === undefined ? multiaddrs.tcp : multiaddrs.quic;
}
