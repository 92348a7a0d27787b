import { type Check, judged } from "../check.ts";
import { type Family, type Format, parseExposition } from "../exposition.ts";
import { askMetrics } from "../metrics-page.ts";

/** What the first user reads, with types as both formats name them (design: "The reference node"). */
const promised = [
  {
    name: "nsn_vortex_vram_usage_bytes",
    type: "gauge",
    sane: (value: number) => value >= 0 && value < 1e12,
  },
  {
    name: "nsn_p2p_connected_peers",
    type: "gauge",
    sane: (value: number) => value >= 0 && value < 1e5,
  },
  {
    name: "nsn_bft_round_duration_seconds",
    type: "histogram",
    sane: (value: number) => value >= 0,
  },
];

/** The promised metrics in both formats, each valid to a strict parser. */
export const metrics: Check = {
  name: "metrics",
  after: ["startup"],
  seconds: () => 60,
  run: async (world) => {
    const complaints: string[] = [];
    for (const format of ["prometheus", "openmetrics"] as const) {
      const page = await askMetrics(world.nodes.main, format, world);
      complaints.push(
        ...(typeof page === "string" ? [page] : judgePage(page, format)).map(
          (complaint) => `${format}: ${complaint}`,
        ),
      );
    }
    return judged(complaints, { metrics: promised.map(({ name }) => name) });
  },
};

/** What is wrong with a page, in words. Pure. */
export function judgePage(
  { status, type, text }: { status: number; type: string; text: string },
  format: Format,
): readonly string[] {
  if (status !== 200) return [`/metrics answers ${status}`];
  const wanted = format === "openmetrics" ? "application/openmetrics-text" : "text/plain";
  const mistyped = type.startsWith(wanted)
    ? []
    : [`its type is ${type || "not told"}, not ${wanted}`];
  try {
    const families = parseExposition(text, format);
    return [...mistyped, ...promised.flatMap((one) => judgeFamily(one, families))];
  } catch (error) {
    return [...mistyped, error instanceof Error ? error.message : String(error)];
  }
}

function judgeFamily(
  { name, type, sane }: (typeof promised)[number],
  families: readonly Family[],
): readonly string[] {
  const family = families.find((one) => one.name === name);
  if (family === undefined || family.samples.length === 0) return [`${name} is missing`];
  if (family.type !== type) return [`${name} is a ${family.type}, not a ${type}`];
  const odd = family.samples.find(({ value }) => !sane(value));
  return odd === undefined ? [] : [`${odd.name} is ${odd.value}`];
}
