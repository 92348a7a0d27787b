import { CommandError } from "../errors.ts";
import { endingOf } from "./ended.ts";
import type { LogLine, RunningNode, StartOptions, Target } from "./node.ts";
import { probeQuic } from "./probes.ts";
import type { Nodes } from "./world.ts";

/** Lines of each node's log that are kept. */
const mostLines = 2_000;

/** A line, and the node that said it. */
export type NodeLine = LogLine & { readonly node: string };

/** All nodes of a run, whichever check started them. */
export interface AllNodes {
  /** The node under test, or undefined as long as there is none. */
  readonly running: RunningNode | undefined;
  /** The nodes for a check, which may ask them until its signal is aborted. */
  under(signal: AbortSignal): Nodes;
  /** How those ended that nobody told to, in words. */
  endings(signal: AbortSignal): Promise<readonly string[]>;
  /** The last lines of every node, also of those that were taken away; those of the node under test come last. */
  logs(signal: AbortSignal): Promise<readonly NodeLine[]>;
}

interface Surroundings {
  readonly chainUrl: string;
  /** The run's. */
  readonly signal: AbortSignal;
}

/** Nodes as they are asked for. Both ways of being together are known to whoever started them: the second dials the first. */
export function nodesOf(target: Target, { chainUrl, signal: run }: Surroundings): AllNodes {
  const all: RunningNode[] = [];
  let main: RunningNode | undefined;
  let second: RunningNode | undefined;
  let hardening: string | undefined;
  const started = (): RunningNode => {
    if (main === undefined) throw new Error("No node was started.");
    return main;
  };
  const start = async (
    signal: AbortSignal,
    options: Omit<StartOptions, "chainUrl" | "hardened">,
  ) => {
    const hardened = hardening === undefined;
    const node = await target.under(signal).start({ chainUrl, hardened, ...options });
    const kept = node.under(run);
    all.push(kept);
    return kept;
  };
  const under = (signal: AbortSignal): Nodes => ({
    get main() {
      return started().under(signal);
    },
    get running() {
      return main?.under(signal);
    },
    get hardening() {
      return hardening;
    },
    startMain: async (why) => {
      const before = main;
      // Nobody looks at the card meanwhile: what is ending would count as somebody else's.
      main = undefined;
      await before?.remove();
      hardening = why;
      const name = why === undefined ? "node" : "unhardened node";
      main = await start(signal, { name, peers: [] });
      return main.under(signal);
    },
    second: async () => {
      if (second === undefined) {
        const peers = [await addressOf(started(), signal)];
        second = await start(signal, { name: "second node", bare: true, peers });
      }
      const why = await endingOf(second.under(signal));
      if (why !== undefined) throw new CommandError(`the second node ${why}`);
      return second.under(signal);
    },
  });
  return {
    get running() {
      return main;
    },
    under,
    endings: async (signal) => {
      const [own, other] = await Promise.all(
        [main, second].map((node) => node && endingOf(node.under(signal))),
      );
      return [
        ...(own === undefined ? [] : [`it ${own}`]),
        ...(other === undefined ? [] : [`the second node ${other}`]),
      ];
    },
    logs: async (signal) => {
      const order = [...all.filter((node) => node !== main), ...(main === undefined ? [] : [main])];
      return (await Promise.all(order.map((node) => lastLines(node.under(signal))))).flat();
    },
  };
}

async function lastLines(node: RunningNode): Promise<readonly NodeLine[]> {
  return (await node.logs()).slice(-mostLines).map((line) => ({ ...line, node: node.name }));
}

/** QUIC where it answers, so that it is tried; else TCP, so that its absence is a fault of the check `p2p` alone. */
async function addressOf({ p2p, multiaddrs }: RunningNode, signal: AbortSignal): Promise<string> {
  const quic = await probeQuic(p2p.host, p2p.udp, signal);
  return quic === undefined ? multiaddrs.tcp : multiaddrs.quic;
}
