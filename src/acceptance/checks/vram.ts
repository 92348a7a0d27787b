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
    for (let left = steadySamples; left > 0; left -= 1) {
      await series.sample();
      await clock.sleep(500, signal);
    }
    const own = await sampleOf(world.nodes.main, "nsn_vortex_vram_usage_bytes", {}, world);
    return judgeVram(series, own, world.limits.vramBytes);
  },
};

/** The verdict on a series, `own` being the node's figure in bytes. Pure. */
export function judgeVram(
  { samples, trouble, foreign }: Pick<VramSeries, "samples" | "trouble" | "foreign">,
  own: number | undefined,
  limitBytes: number,
): Finding {
  if (trouble !== undefined) return skipped(`unsupported: ${trouble}`);
  if (samples.length === 0) return failed("no figure was taken of the card");
  const bytes = samples.map((sample) => sample.bytes);
  const peakBytes = Math.max(...bytes);
  const last = bytes.slice(-steadySamples);
  const steadyBytes = last.reduce((sum, value) => sum + value, 0) / last.length;
  const measured = { peakBytes, steadyBytes, ...(own === undefined ? {} : { ownBytes: own }) };
  const limit = { peakBytes: limitBytes };
  if (foreign.size > 0)
    return inconclusive(
      `others use the card too (processes ${[...foreign].join(", ")}), so that the figures prove nothing`,
      measured,
      limit,
    );
  const off =
    own === undefined ? undefined : Math.abs(own - steadyBytes) / Math.max(steadyBytes, 1);
  return judged(
    [
      ...(peakBytes < limitBytes
        ? []
        : [`the peak is ${gigabytes(peakBytes)}, ${gigabytes(limitBytes)} are the limit`]),
      ...(steadyBytes > 0 ? [] : ["the node has no memory on the card"]),
      ...(off === undefined ? ["the node does not say nsn_vortex_vram_usage_bytes"] : []),
      ...(off !== undefined && off > tolerance
        ? [
            `the node says ${gigabytes(own ?? 0)}, the card ${gigabytes(steadyBytes)}: ${Math.round(off * 100)} % apart, 10 % are allowed`,
          ]
        : []),
    ],
    measured,
    limit,
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
