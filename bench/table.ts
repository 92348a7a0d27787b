import { amount } from "../src/amount.ts";
import type { Measurement, RowResult } from "./row.ts";

/** Rows for a terminal: a title, a line for each measurement, a line for each goal. */
export function table(rows: readonly RowResult[]): string {
  return rows
    .flatMap(({ title, measurements, goals }) => [
      "",
      title,
      ...columns([heading, ...measurements.map(cells)]).map((line) => `  ${line}`),
      ...goals.map(({ goal, seen, met }) => `  ${met ? "met   " : "MISSED"}  ${goal}: ${seen}`),
    ])
    .join("\n");
}

const heading = ["", "seconds", "× ours", "CPU s", "memory", "written", "downloaded", "requests"];

function cells(one: Measurement): readonly string[] {
  const bytes = (value: number | undefined) => (value === undefined ? "" : amount(value));
  return [
    one.name,
    one.seconds.toFixed(one.seconds < 10 ? 2 : 1),
    one.ratio?.toFixed(2) ?? "",
    one.processor?.toFixed(2) ?? "",
    bytes(one.peakMemory),
    bytes(one.written),
    bytes(one.downloaded),
    one.requests?.toString() ?? "",
  ];
}

function columns(lines: readonly (readonly string[])[]): readonly string[] {
  const widths = heading.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const padded = (cell: string, at: number) =>
    at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  return lines.map((line) => line.map(padded).join("  ").trimEnd());
}
