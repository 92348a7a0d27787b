import { CommandError } from "../errors.ts";
import type { LogLine, RunningNode, StartOptions, Target } from "./node.ts";
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
      await main?.remove();
      hardening = why;
      const name = why === undefined ? "node" : "unhardened node";
      main = await start(signal, { name, peers: [] });
      return main.under(signal);
    },
    second: async () => {
      const peers = [started().multiaddr];
      second ??= await start(signal, { name: "second node", bare: true, peers });
      const why = await endingOf(second.under(signal));
      if (why !== undefined) throw new CommandError(`the second node ${why}`);
      return second.under(signal);
    },
    another: async (name) => (await start(signal, { name, peers: [] })).under(signal),
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

/** How a node ended that nobody told to, in words that follow its name; undefined where it runs, or was sent a signal. */
async function endingOf(node: RunningNode): Promise<string | undefined> {
  const { running, signalled = false, error, exitCode, outOfMemory } = await node.state();
  if (running || signalled) return undefined;
  if (error !== undefined) return `could not be started: ${error}`;
  const words = (await node.logs()).findLast(({ text }) => text.trim() !== "")?.text.trim();
  const said = words === undefined ? "it said nothing" : `its last words: ${words}`;
  if (outOfMemory) return `used up its memory and was killed; ${said}`;
  return `ended by itself (${exitCode === undefined ? "by a signal" : `exit code ${exitCode}`}); ${said}`;
}
