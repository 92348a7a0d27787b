import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { amount } from "../../src/amount.ts";
import { director } from "../director.ts";
import { measured } from "../process.ts";
import { type Bench, compared, measurement, type Row, type RowResult } from "../row.ts";
import { withScratch } from "../scratch.ts";
import { lockOf } from "../weights.ts";

const count = 10_000;
const size = 35_000_000;

export const planRow: Row = {
  name: "plan",
  about: "models plan for 10,000 files, 350 GB",
  measure: (bench) => withScratch((scratch) => measure({ ...bench, scratch })),
};

async function measure(bench: Bench): Promise<readonly RowResult[]> {
  const lock = join(await bench.scratch.folder("plan"), "models.lock.json");
  const files = Array.from({ length: count }, (_, at) => ({
    path: `layers/${at % 100}/part-${at}.safetensors`,
    size,
    sha256: createHash("sha256").update(String(at)).digest("hex"),
  }));
  await writeFile(lock, lockOf("https://example.org/weights/", files));
  const ours = [];
  const empty = [];
  for (let round = 0; round < 2 * bench.options.repeat; round += 1) {
    ours.push(await director(bench, ["models", "plan", "--json", "--lock", lock]));
    empty.push(await measured(process.execPath, ["-e", ""]));
  }
  const planned = JSON.parse(ours[0]?.stdout ?? "") as {
    layers: readonly unknown[];
    bytes: number;
  };
  const measurements = compared([
    measurement(`models plan (${planned.layers.length} layers)`, ours.map(withoutDisk)),
    measurement("node, which does nothing", empty.map(withoutDisk)),
  ]);
  const { seconds = 0, peakMemory = 0 } = measurements[0] ?? {};
  return [
    {
      row: "plan",
      title: `models plan for ${count.toLocaleString("en-US")} files, ${amount(planned.bytes)}`,
      measurements,
      goals: [
        { goal: "below 1 s", seen: `${seconds.toFixed(2)} s`, met: seconds < 1 },
        { goal: "below 150 MB", seen: amount(peakMemory), met: peakMemory < 150e6 },
      ],
    },
  ];
}

function withoutDisk({ seconds, peakMemory }: { seconds: number; peakMemory: number }) {
  return { seconds, peakMemory };
}
