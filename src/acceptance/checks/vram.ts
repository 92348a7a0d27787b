import { gigabytes } from "../../amount.ts";
import { type Check, type Finding, failed, inconclusive, judged, skipped } from "../check.ts";
import { sampleOf } from "../metrics-page.ts";
import type { VramSeries } from "../vram-series.ts";

/** How far the node's own figure may be from the card's. */
const tolerance = 0.1;
/** Samples that are looked at for the steady figure. */
const steadySamples = 5;

/** Peak and steady memory on the card, by its own figures, beside what the node says. */
export const vram: Check = {
  name: "vram",
  after: ["startup", "gpu"],
  seconds: () => 60,
  run: async (world) => {
    const { vram: series, clock, signal } = world;
    // One after the other at the end: a question that fails once is no lost card.
    let missed = 0;
    for (let left = steadySamples; left > 0; left -= 1) {
      missed = (await series.sample()) ? 0 : missed + 1;
      await clock.sleep(500, signal);
    }
    const own = await sampleOf(world.nodes.main, "nsn_vortex_vram_usage_bytes", {}, world);
    if (missed > 1 && series.samples.length > 0)
      return inconclusive(`the card gives no figures any more: ${series.trouble}`);
    const finding = judgeVram(series, own, world.limits.vramBytes);
    return finding.verdict === "skipped" && world.gpu === "required"
      ? failed(`gpu: required, but its memory cannot be told: ${finding.reason}`)
      : finding;
  },
};

/** The verdict on a series; `own` is the node's figure in bytes, or why there is none. Pure. */
export function judgeVram(
  { samples, trouble, foreign }: Pick<VramSeries, "samples" | "trouble" | "foreign">,
  own: number | string | undefined,
  limitBytes: number,
): Finding {
  if (samples.length === 0)
    return trouble === undefined
      ? failed("no figure was taken of the card")
      : skipped(`unsupported: ${trouble}`);
  const bytes = samples.map((sample) => sample.bytes);
  const peakBytes = Math.max(...bytes);
  const last = bytes.slice(-steadySamples);
  const steadyBytes = last.reduce((sum, value) => sum + value, 0) / last.length;
  const ownBytes = typeof own === "number" ? own : undefined;
  const measured = { peakBytes, steadyBytes, ...(ownBytes === undefined ? {} : { ownBytes }) };
  const limit = { peakBytes: limitBytes };
  if (foreign.size > 0)
    return inconclusive(
      `others use the card too (processes ${[...foreign].join(", ")}), so that the figures prove nothing`,
      measured,
      limit,
    );
  return judged(
    [
      ...(peakBytes < limitBytes
        ? []
        : [`the peak is ${gigabytes(peakBytes)}, ${gigabytes(limitBytes)} are the limit`]),
      ...(steadyBytes > 0 ? [] : ["the node has no memory on the card"]),
      ...ownComplaints(own, steadyBytes),
    ],
    measured,
    limit,
  );
}

function ownComplaints(own: number | string | undefined, card: number): readonly string[] {
  if (own === undefined) return ["the node does not say nsn_vortex_vram_usage_bytes"];
  if (typeof own === "string") return [`the node's own figure cannot be read: ${own}`];
  const off = Math.abs(own - card) / Math.max(card, 1);
  return off <= tolerance
    ? []
    : [
        `the node says ${gigabytes(own)}, the card ${gigabytes(card)}: ${Math.round(off * 100)} % apart, 10 % are allowed`,
      ];
}
