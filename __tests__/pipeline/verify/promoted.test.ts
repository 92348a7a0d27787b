import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
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
import { failures, publishing } from "./publishing.ts";

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

/** Promotes as a job does whose tokens are the stand-in's. */
async function promoted(image: Published, more: Partial<Results> = {}, allowUntested?: string) {
  const results: Results = { ...(await resultsOf(image)), ...more };
  const { assemble: candidate } = results;
  if (candidate === undefined) throw new Error("there is no candidate");
  await writeFile(join(folder, "models.lock.json"), formatLock(image.lock));
  await writeFile(join(folder, "sbom-linux-amd64.cdx.json"), '{"bomFormat":"CycloneDX"}');
  const ports = testPorts();
  const signal = new AbortController().signal;
  const attesting = {
    ...{ results, folder, store: image.store, runtimes: () => image.store },
    inputs: {
      ...({ sign: "required", provenance: true, sbom: "required" } as const),
      ...{ sigstore: await works.instance(folder), identity: works.source(), noIdentity: "" },
      server: "https://github.com",
    },
  };
  return await promote(
    {
      ...{ candidate, tags: ["1.2.3"], scans: results.scan, accepts: results.accept },
      ...{ allowUntested, force: false },
    },
    {
      ...{ store: image.store, log: ports.log, signal },
      ...attester(attesting, { ...ports, signal }),
    },
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
