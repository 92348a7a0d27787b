import type { Clock } from "../ports/clock.ts";
import { type Gpus, vramOf } from "./gpus.ts";
import type { RunningNode } from "./node.ts";

/** Bytes on the card at milliseconds since 1970. */
export type VramSample = { readonly at: number; readonly bytes: number };

/** The card's figures for the node, taken from its start to the end of the run. */
export interface VramSeries {
  readonly samples: readonly VramSample[];
  /** Why the last sample that gave no figure gave none; the others count all the same. */
  readonly trouble: string | undefined;
  /** Processes of others that were seen on the cards. */
  readonly foreign: ReadonlySet<number>;
  /** Takes one sample now; whether it gave a figure. */
  sample(): Promise<boolean>;
  stop(): void;
}

/** Looks at the cards every half second until stopped. */
export function watchVram(
  gpus: Gpus | undefined,
  node: () => RunningNode | undefined,
  clock: Pick<Clock, "now">,
): VramSeries {
  const samples: VramSample[] = [];
  const foreign = new Set<number>();
  let trouble: string | undefined;
  const sample = async () => {
    const running = node();
    if (gpus === undefined || running === undefined) return false;
    try {
      // Before and after: a process that comes or goes meanwhile is the node's all the same.
      const before = await running.pids();
      const [cards, apps] = await Promise.all([gpus.now(), gpus.apps()]);
      const pids = new Set([...before, ...(await running.pids())]);
      const reading = vramOf(cards, apps, pids);
      if ("unknown" in reading) throw new Error(reading.unknown);
      for (const pid of reading.foreign) foreign.add(pid);
      samples.push({ at: clock.now(), bytes: reading.bytes });
      return true;
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error);
      return false;
    }
  };
  let busy = false;
  const timer = setInterval(async () => {
    if (busy) return;
    busy = true;
    await sample();
    busy = false;
  }, 500);
  timer.unref();
  return {
    samples,
    get trouble() {
      return trouble;
    },
    foreign,
    sample,
    stop: () => clearInterval(timer),
  };
}
