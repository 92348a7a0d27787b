import { writeFile } from "node:fs/promises";
import { machine } from "./machine.ts";
import { readOptions } from "./options.ts";
import { stopMeasuring } from "./process.ts";
import type { Row, RowResult } from "./row.ts";
import { cleanBuildRow } from "./rows/clean-build.ts";
import { gateRow } from "./rows/gate.ts";
import { planRow } from "./rows/plan.ts";
import { rebuildRow } from "./rows/rebuild.ts";
import { scanRow } from "./rows/scan.ts";
import { startRow } from "./rows/start.ts";
import { updateRow } from "./rows/update.ts";
import { weightsRow } from "./rows/weights.ts";
import { Scratch } from "./scratch.ts";
import { ownDockerConfig } from "./services.ts";
import { table } from "./table.ts";

const rows: readonly Row[] = [
  ...[weightsRow, gateRow, scanRow, rebuildRow, updateRow, planRow, startRow],
  cleanBuildRow,
];

const help = `Usage: scripts/services.sh run npm run --silent bench -- [--only ROW]… [--size 1GiB] [--repeat 3] [--out FILE] [--dist dist]

Measures the bundle in --dist beside its baselines. One JSON document goes to standard output or to --out, a table and what is
going on to standard error. BENCH_SIZE is another way to say --size. Rows:
${rows.map(({ name, about, onDemand }) => `  ${name.padEnd(13)} ${about}${onDemand ? " (only by --only)" : ""}`).join("\n")}
`;

const options = readOptions(process.argv.slice(2), process.env);
if (options.help) process.stdout.write(help);
else {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stopMeasuring());
  await run();
}

async function run(): Promise<void> {
  const unknown = options.only.find((name) => !rows.some((row) => row.name === name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there is no such row.\n${help}`);
  const chosen = rows.filter(({ name, onDemand }) =>
    options.only.length === 0 ? onDemand !== true : options.only.includes(name),
  );
  const scratch = new Scratch();
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const about = machine();
  const results: RowResult[] = [];
  try {
    await ownDockerConfig(scratch);
    for (const { name, measure } of chosen) {
      say(`--- ${name}`);
      results.push(...(await measure({ options, scratch, say })));
    }
  } finally {
    await scratch.end();
  }
  const text = `${JSON.stringify({ machine: about, size: options.size, rows: results }, null, 2)}\n`;
  if (options.out === undefined) process.stdout.write(text);
  else await writeFile(options.out, text);
  say(table(results));
}
