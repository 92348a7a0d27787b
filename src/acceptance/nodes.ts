import type { LogLine, RunningNode, Target } from "./node.ts";
import type { Nodes } from "./world.ts";

/** Nodes as they are asked for. Both ways of being together are known to whoever started them: the second dials the first. */
export function nodesOf(target: Target, chainUrl: string): Nodes {
  let main: RunningNode | undefined;
  let second: Promise<RunningNode> | undefined;
  let hardening: string | undefined;
  let earlier: readonly LogLine[] = [];
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
    logs: async () => [...earlier, ...((await main?.logs()) ?? [])],
    startMain: async (why) => {
      earlier = (await main?.logs()) ?? [];
      await main?.remove();
      hardening = why;
      main = await target.start({
        ...{ name: "node", peers: [], chainUrl },
        hardened: why === undefined,
      });
      return main;
    },
    second: () => {
      second ??= target.start({
        ...{ name: "second-node", chainUrl, bare: true, hardened: hardening === undefined },
        peers: [started().multiaddr],
      });
      return second;
    },
    another: (name) =>
      target.start({
        ...{ name, chainUrl, peers: [], hardened: hardening === undefined },
      }),
  };
}
