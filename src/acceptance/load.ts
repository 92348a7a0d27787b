import { gigabytes } from "../amount.ts";
import { type Finding, inconclusive, judged } from "./check.ts";
import type { Usage } from "./node.ts";
import type { Limits } from "./world.ts";

/** Part of the periods in which the kernel may hold it back, and by how much its memory on the card may move. */
const most = { throttled: 0.1, drift: 0.02 };

/** Bytes on the card when a slot was done, as the node says it, and by the card's own figures where there are any. */
export interface SlotMemory {
  readonly own: number;
  readonly card?: number;
}

/** What was seen of a node under load. */
export interface Load {
  readonly before: Usage | undefined;
  readonly after: Usage | undefined;
  readonly seconds: number;
  readonly slots: readonly SlotMemory[];
  /** The card's figures from the first slot to the last. */
  readonly during: readonly number[];
}

/** What the figures say. Pure. */
export function judgeLoad(load: Load, limits: Omit<Limits, "driver">): Finding {
  const used = usedBy(load, limits);
  const memory = memoryOf(load);
  const { cpus, memoryBytes, vramBytes } = limits;
  const complaints = [
    ...(used === undefined || used.cpuLoad < 1
      ? []
      : [`it used ${percent(used.cpuLoad)} of its ${cpus} processors`]),
    ...((used?.throttled ?? 0) < most.throttled
      ? []
      : [`it was held back in ${percent(used?.throttled ?? 0)} of the periods, 10 % are allowed`]),
    ...(memory.vramPeakBytes < vramBytes
      ? []
      : [
          `its memory on the card came to ${gigabytes(memory.vramPeakBytes)} under load, ${gigabytes(vramBytes)} are the limit`,
        ]),
    ...(memory.vramDrift <= most.drift
      ? []
      : [`its memory on the card moved by ${percent(memory.vramDrift)}, 2 % are allowed`]),
  ];
  const measured = { slots: load.slots.length, seconds: load.seconds, ...used, ...memory };
  const limit = {
    ...{ cpuLoad: 1, throttled: most.throttled, memoryPeakBytes: memoryBytes },
    ...{ vramPeakBytes: vramBytes, vramDrift: most.drift },
  };
  return used === undefined && complaints.length === 0
    ? inconclusive("this machine's kernel does not tell what the node used", measured, limit)
    : judged(complaints, measured, limit);
}

interface Used {
  readonly cpuLoad: number;
  readonly throttled?: number;
  readonly memoryPeakBytes?: number;
}

/** Of the processors; nothing that the kernel did not tell. */
function usedBy({ before, after, seconds }: Load, { cpus }: Pick<Limits, "cpus">) {
  if (before === undefined || after === undefined) return undefined;
  const { memoryPeakBytes } = after;
  const throttled = share(before.throttled, after.throttled);
  return {
    cpuLoad: (after.cpuSeconds - before.cpuSeconds) / (seconds * cpus),
    ...(throttled === undefined ? {} : { throttled }),
    ...(memoryPeakBytes === undefined ? {} : { memoryPeakBytes }),
  } satisfies Used;
}

/** Peak and movement from slot to slot: by the card's figures where it gives any, else by the node's own. */
function memoryOf({ slots, during }: Load) {
  const card = slots.flatMap(({ card }) => (card === undefined ? [] : [card]));
  const figures = card.length > 0 ? card : slots.map(({ own }) => own);
  const [low, high] = [Math.min(...figures), Math.max(...figures)];
  return {
    vramPeakBytes: Math.max(high, ...during),
    vramDrift: high === 0 ? 0 : (high - low) / high,
    vramFrom: card.length > 0 ? "card" : "node",
  };
}

function share(before: Usage["throttled"], after: Usage["throttled"]): number | undefined {
  if (after === undefined) return undefined;
  const periods = after.of - (before?.of ?? 0);
  return periods === 0 ? undefined : (after.periods - (before?.periods ?? 0)) / periods;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}
