import { amount } from "../amount.ts";
import type { AcceptResult } from "../results/stages.ts";

const width = 720;
const left = 150;
const right = 24;
const row = 22;
const plot = 150;

type Sample = NonNullable<AcceptResult["vram"]>["samples"][number];

/** The start as a time line and memory on the card as a curve: one SVG that stands by itself. Pure. */
export function chart({ timeline = [], vram }: AcceptResult): string {
  const events = timeline.filter(({ seconds }) => seconds > 0);
  const last = Math.max(1, ...events.map(({ seconds }) => seconds));
  const startHeight = 40 + events.length * row + 26;
  const samples = vram?.samples ?? [];
  const height = startHeight + (samples.length > 1 ? plot + 70 : 0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `  <rect width="${width}" height="${height}" fill="#fff"/>`,
    `  <text x="12" y="22" font-size="14" font-weight="600">Start, seconds after docker run</text>`,
    ...events.flatMap(({ what, seconds }, at) => bar(what, seconds, last, 36 + at * row)),
    ...(samples.length > 1 ? curve(samples, vram?.limitBytes ?? 0, startHeight) : []),
    "</svg>",
    "",
  ].join("\n");
}

function bar(what: string, seconds: number, last: number, y: number): readonly string[] {
  const length = ((width - left - right - 60) * seconds) / last;
  return [
    `  <text x="${left - 8}" y="${y + 13}" text-anchor="end">${escaped(what)}</text>`,
    `  <rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${row - 6}" rx="2" fill="#4c78a8"/>`,
    `  <text x="${(left + length + 6).toFixed(1)}" y="${y + 13}">${seconds.toFixed(1)} s</text>`,
  ];
}

function curve(samples: readonly Sample[], limit: number, top: number): readonly string[] {
  const from = samples[0]?.at ?? 0;
  const span = Math.max(1, (samples.at(-1)?.at ?? 0) - from);
  const most = Math.max(limit, ...samples.map(({ bytes }) => bytes)) * 1.05;
  const x = (at: number) => left + ((width - left - right) * (at - from)) / span;
  const y = (bytes: number) => top + 36 + plot * (1 - bytes / most);
  const points = samples.map(({ at, bytes }) => `${x(at).toFixed(1)},${y(bytes).toFixed(1)}`);
  const line = (bytes: number, label: string, colour: string) => [
    `  <line x1="${left}" x2="${width - right}" y1="${y(bytes).toFixed(1)}" y2="${y(bytes).toFixed(1)}" stroke="${colour}" stroke-dasharray="4 3"/>`,
    `  <text x="${left - 8}" y="${(y(bytes) + 4).toFixed(1)}" text-anchor="end">${escaped(label)}</text>`,
  ];
  const peak = Math.max(...samples.map(({ bytes }) => bytes));
  return [
    `  <text x="12" y="${top + 18}" font-size="14" font-weight="600">Memory on the card, by its own figures</text>`,
    ...line(limit, `limit ${amount(limit)}`, "#e45756"),
    ...line(peak, `peak ${amount(peak)}`, "#888"),
    `  <polyline points="${points.join(" ")}" fill="none" stroke="#4c78a8" stroke-width="2"/>`,
    `  <text x="${width - right}" y="${top + 36 + plot + 18}" text-anchor="end">${(span / 1000).toFixed(0)} s</text>`,
  ];
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
