import { cp } from "node:fs/promises";
import { join } from "node:path";
import { amount } from "../../src/amount.ts";
import { director } from "../director.ts";
import { measured, type Usage } from "../process.ts";
import { documents, isWeights, Repository } from "../registry-reader.ts";
import { type Bench, compared, measurement, type Row, type RowResult } from "../row.ts";
import { type Scratch, withScratch } from "../scratch.ts";
import { service } from "../services.ts";
import { makeWeights } from "../weights.ts";
import { openWorkspace } from "../workspace.ts";

/** A final image, weights included, scanned by this program and by Trivy alone with the same database. */
export const scanRow: Row = {
  name: "scan",
  about: "a scan of the final image with twice --size of weights; plain Trivy beside it",
  measure: (bench) => withScratch((scratch) => measure(bench, scratch)),
};

const image = "director";

async function measure(outer: Bench, scratch: Scratch): Promise<readonly RowResult[]> {
  const bench = { ...outer, scratch };
  const { say, options } = bench;
  const { registry, workspace } = await openWorkspace(bench, Math.ceil(options.size / 32));
  say("making the image");
  const weights = await makeWeights(scratch, [options.size, options.size]);
  await workspace.run(weights, image, "v1", "linux/amd64");
  const reference = `${registry.address}/${image}:v1`;
  const contenders = [
    { name: "scan (runtime only, all of it)", once: () => ours(bench, reference) },
    {
      name: "trivy image (vulnerabilities, secrets)",
      once: () => plain(scratch, reference, "vuln,secret"),
    },
    { name: "trivy image (vulnerabilities alone)", once: () => plain(scratch, reference, "vuln") },
  ];
  const runs = contenders.map(() => [] as (Usage & { downloaded: number; requests: number })[]);
  for (let round = 1; round <= options.repeat; round += 1) {
    for (const [at, { name, once }] of contenders.entries()) {
      say(`${name} (${round})`);
      await registry.accesses();
      const usage = await once();
      const gets = (await registry.accesses()).filter(({ method }) => method === "GET");
      const downloaded = gets.reduce((sum, { bytes }) => sum + bytes, 0);
      runs[at]?.push({ ...usage, downloaded, requests: gets.length });
    }
  }
  const measurements = compared(
    contenders.map(({ name }, at) => measurement(name, runs[at] ?? [])),
  );
  const { downloaded = Number.NaN } = measurements[0] ?? {};
  const { layers } = await new Repository(registry.address, image).manifest("v1");
  const runtime = layers
    .filter((layer) => !isWeights(layer))
    .reduce((sum, { size }) => sum + size, 0);
  return [
    {
      row: "scan",
      title: `Scan of a final image with ${amount(weights.size)} of weights, linux/amd64`,
      measurements,
      goals: [
        {
          goal: "downloads the runtime's layers only",
          seen: `${amount(downloaded)} of ${amount(runtime)}`,
          met: downloaded <= runtime + documents,
        },
      ],
    },
  ];
}

function ours(bench: Bench, reference: string): Promise<Usage> {
  const database = ["--trivy-db", service("TEST_TRIVY_DB")];
  return director(bench, ["scan", reference, "--json", ...database]);
}

/** As trivy-action has it, but for the database, which is there already; nothing is left of an earlier run. */
async function plain(scratch: Scratch, reference: string, scanners: string): Promise<Usage> {
  const cache = await scratch.folder("trivy");
  await cp(join(service("TEST_TRIVY_DB"), "db"), join(cache, "db"), { recursive: true });
  const quiet = ["--skip-db-update", "--skip-version-check", "--quiet", "--format", "json"];
  const where = ["--cache-dir", cache, "--platform", "linux/amd64"];
  const env = { ...process.env, TMPDIR: cache };
  return measured("trivy", ["image", ...quiet, ...where, "--scanners", scanners, reference], {
    env,
  });
}
