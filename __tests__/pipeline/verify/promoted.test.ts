import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { predicateTypes } from "../../../src/attest/predicates.ts";
import { type Digest, digestOf } from "../../../src/images/digest.ts";
import { parseIndex } from "../../../src/images/manifest.ts";
import { formatLock } from "../../../src/models/lock-text.ts";
import { attester } from "../../../src/pipeline/attest-image.ts";
import { promote } from "../../../src/pipeline/promote.ts";
import type {
  AcceptResult,
  PrepareResult,
  Results,
  ScanResult,
} from "../../../src/results/stages.ts";
import { testPorts } from "../../stores/ports.ts";
import { type Published, predicatesOf } from "./published.ts";
import { failures, names, publishing } from "./publishing.ts";

const works = publishing();

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promoted-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** What the stages before left in the results folder. */
async function resultsOf(image: Published): Promise<Required<Omit<Results, "promote" | "models">>> {
  const { scan, acceptance } = await predicatesOf(image);
  const [platform] = parseIndex(image.index).manifests;
  const runtimeDigest = image.runtimes[0]?.digest ?? image.index.digest;
  const prepare: PrepareResult = {
    ...{ image: "ghcr.io/nsn/director", target: image.store.name, tags: ["1.2.3"] },
    platforms: [{ platform: "linux/amd64", runner: "ubuntu-latest" }],
    ...{ labels: {}, annotations: {}, manifestAnnotations: {} },
    ...{ push: true, pushReason: "push: true", cacheMayBeWritten: true },
    models: { lock: "models.lock.json", delivery: "bake", repository: image.store.name },
    source: { revision: "1".repeat(40), commitTime: 1, created: "2026-11-09T00:00:00Z" },
  };
  const repository = image.store.name;
  return {
    prepare,
    build: [
      {
        platforms: [{ platform: "linux/amd64", digest: runtimeDigest, size: 1 }],
        ...{ repository, indexes: [], cached: false },
      },
    ],
    scan: [scan as ScanResult],
    assemble: {
      ...{ digest: image.index.digest, mediaType: image.index.mediaType, repository },
      platforms: [
        {
          ...{ platform: "linux/amd64", runtimeDigest, size: 1 },
          digest: platform?.digest ?? image.index.digest,
        },
      ],
      ...{ absent: [], newRuntimeBytes: 0, bytesUploaded: 0 },
    },
    accept: [acceptance as AcceptResult],
  };
}

/** How promote says of images what is known of this one, as a job does whose tokens are the stand-in's. */
async function attesterFor(image: Published, results: Results) {
  await writeFile(join(folder, "models.lock.json"), formatLock(image.lock));
  await writeFile(join(folder, "sbom-linux-amd64.cdx.json"), '{"bomFormat":"CycloneDX"}');
  const attesting = {
    ...{ results, folder, store: image.store, runtimes: () => image.store },
    inputs: {
      ...({ sign: "required", provenance: true, sbom: "required" } as const),
      ...{ sigstore: await works.instance(folder), identity: works.source(), noIdentity: "" },
      server: "https://github.com",
    },
  };
  return attester(attesting, { ...testPorts(), signal: new AbortController().signal });
}

async function promoted(image: Published, more: Partial<Results> = {}, allowUntested?: string) {
  const results: Results = { ...(await resultsOf(image)), ...more };
  const { assemble: candidate } = results;
  if (candidate === undefined) throw new Error("there is no candidate");
  const { log } = testPorts();
  return await promote(
    {
      ...{ candidate, tags: ["1.2.3"], scans: results.scan, accepts: results.accept },
      ...{ allowUntested, force: false },
    },
    { ...{ store: image.store, log }, ...(await attesterFor(image, results)) },
  );
}

it("what promote attaches is what verify wants", async () => {
  const image = await works.assembled();
  const { attestations = [] } = await promoted(image);
  expect(attestations).toHaveLength(4);
  const result = await works.verified(image);
  expect(failures(result)).toEqual([]);
  expect(result.leftAside).toEqual([]);
});

it("an image that promote published untested is one that verify does not want", async () => {
  const image = await works.assembled();
  await promoted(image, { accept: [] }, "a hotfix");
  expect(failures(await works.verified(image))).toEqual([
    "acceptance: published untested: a hotfix (--allow-untested lets it pass)",
  ]);
});

/** What today's scan says otherwise than the one before, of its platform. */
type Again = (entry: ScanResult["platforms"][number]) => Partial<ScanResult>;

describe("a published image that nothing changed in since", () => {
  const old = { updatedAt: new Date(Date.now() - 60 * 86_400_000).toISOString(), source: "a test" };

  /** Published by what a scan saw long ago, and scanned again today. */
  async function scannedAgain(again: Again) {
    const image = await works.assembled();
    const results = await resultsOf(image);
    const [scan] = results.scan;
    const [entry] = scan?.platforms ?? [];
    if (scan === undefined || entry === undefined) throw new Error("there is no scan");
    await promoted(image, { scan: [{ ...scan, database: old }] });
    expect(names(await works.verified(image))).toEqual(["scan"]);
    // Transparency logs count in seconds.
    await sleep(1_100);
    const { attestScan } = await attesterFor(image, {
      ...results,
      scan: [{ ...scan, ...again(entry) }],
    });
    return { image, said: await attestScan(image.index) };
  }

  it.each<[string, Digest | undefined]>([
    ["runtimes that it was made from", undefined],
    ["same layers as another month's runtime", digestOf("another month")],
  ])("is young again by the scan of the %s", async (_, digest) => {
    const { image, said } = await scannedAgain((entry) =>
      digest === undefined ? {} : { platforms: [{ ...entry, digest }] },
    );
    expect(said.attestations).toMatchObject([
      { predicateType: predicateTypes.scan, subject: image.index.digest },
    ]);
    expect(failures(await works.verified(image))).toEqual([]);
  });

  const other = /^the runtime layers of sha256:.* for linux.* are not those that were scanned/;
  it.each<[string, Again, RegExp]>([
    [
      "other layers were scanned",
      (entry) => ({ platforms: [{ ...entry, diffIds: [digestOf("another")] }] }),
      other,
    ],
    [
      "the scan does not say which layers it looked at",
      ({ diffIds: _, ...entry }) => ({ platforms: [entry] }),
      other,
    ],
    [
      "a platform was scanned that it has not",
      (entry) => ({ platforms: [{ ...entry, platform: "linux/riscv64" }] }),
      other,
    ],
    [
      "the scan was skipped",
      () => ({ verdict: "skipped", reason: "no database" }),
      /^the scan skipped$/,
    ],
  ])("is said nothing of where %s", async (_, more, reason) => {
    const { image, said } = await scannedAgain(more);
    expect(said.attestations).toBeUndefined();
    expect(said.unsigned).toMatch(reason);
    expect(names(await works.verified(image))).toEqual(["scan"]);
  });
});

it("verify looks at the platform of who asks, where the image has it", async () => {
  const image = await works.assembled();
  await promoted(image);
  for (const [machine, looked] of [
    ["linux/amd64", "linux/amd64"],
    ["linux/riscv64", "linux/amd64"],
  ] as const) {
    const { checks } = await works.verified(image, { machine });
    expect([...new Set(checks.flatMap(({ platform = [] }) => platform))]).toEqual([looked]);
  }
});
