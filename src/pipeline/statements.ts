import { join } from "node:path";
import {
  aboutAcceptance,
  aboutAssembly,
  aboutMaterials,
  aboutRuntime,
  aboutScan,
  type FinalImage,
} from "../attest/about.ts";
import type { Assembly } from "../attest/assembly.ts";
import type { Statement } from "../attest/statement.ts";
import { provenanceIn } from "../buildx/provenance.ts";
import type { AttestInputs } from "../config/attest.ts";
import { CheckError, isError } from "../errors.ts";
import { digestOf } from "../images/digest.ts";
import { attestationsOf, isIndex, parseIndex } from "../images/manifest.ts";
import { type Lock, lockName } from "../models/lock.ts";
import { formatLock } from "../models/lock-text.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { BuildResult, PrepareResult, PromoteResult, Results } from "../results/stages.ts";
import { sbomFiles } from "./job.ts";
import { weightsOf } from "./model-parts.ts";

export interface Speaking {
  readonly image: FinalImage;
  readonly plan: PrepareResult;
  readonly results: Pick<Results, "models" | "build" | "scan" | "accept">;
  /** The completed lock; undefined without weights. */
  readonly lock: Lock | undefined;
  readonly untested: PromoteResult["untested"];
  readonly inputs: Pick<AttestInputs, "provenance" | "sbom">;
  /** The results folder, where the bills of materials are. */
  readonly folder: string;
  readonly by: Pick<Assembly, "builder" | "invocation">;
}

interface Ports {
  readonly files: Pick<Files, "readFile">;
  readonly log: Pick<Log, "info" | "warning">;
  /** Where a build left its runtimes. */
  readonly runtimes: (build: BuildResult) => Store;
}

/** What a single statement may weigh, in bytes: transparency logs and verifiers take no more. */
const largest = 16 * 1024 * 1024;

/** Everything that is said of a final image, the assembly first. A CheckError where a wanted bill of materials is not there. */
export async function statementsOf(
  speaking: Speaking,
  ports: Ports,
): Promise<readonly Statement[]> {
  const { image, results, inputs } = speaking;
  const all = [
    ...(inputs.provenance ? [aboutAssembly(image, assemblyOf(speaking))] : []),
    ...(inputs.provenance ? await ofRuntimes(speaking, ports) : []),
    ...(inputs.sbom === "off" ? [] : await ofMaterials(speaking, ports)),
    ...results.scan.map((scan) => aboutScan(image, scan)),
    ...results.accept.map((accept) => aboutAcceptance(image, accept)),
  ];
  return all.filter((statement) => isSmall(statement, inputs, ports.log));
}

function assemblyOf({ plan, results, lock, untested, by }: Speaking): Assembly {
  const { models } = results;
  return {
    ...{ plan, untested },
    ...by,
    platforms: results.build.flatMap(({ platforms, repository }) =>
      platforms.map(({ platform, digest, base }) => ({
        ...{ platform, base },
        runtime: { repository, digest },
      })),
    ),
    models:
      models?.digest === undefined
        ? undefined
        : { repository: models.repository, digest: models.digest },
    weights: lock === undefined ? [] : weightsOf(lock, plan.models.delivery),
    lock:
      lock === undefined
        ? undefined
        : { path: `${lock.root}/${lockName}`, digest: digestOf(formatLock(lock)) },
  };
}

/** BuildKit's provenance of each runtime, where its index holds any. */
async function ofRuntimes(
  { image, results }: Speaking,
  { runtimes, log }: Ports,
): Promise<readonly Statement[]> {
  const found: Statement[] = [];
  for (const build of results.build) {
    const provenances = await provenancesOf(build, runtimes(build));
    for (const { platform, digest } of build.platforms) {
      const text = provenances.get(digest);
      const said = text && aboutRuntime(image, { platform, digest }, text);
      if (said) found.push(said);
      else log.info(`BuildKit wrote no provenance of the runtime for ${platform}.`);
    }
  }
  return found;
}

/** By the digest of the manifest that each is about. */
async function provenancesOf(
  { indexes }: BuildResult,
  store: Store,
): Promise<ReadonlyMap<string, string>> {
  const documents = await Promise.all(indexes.map((reference) => store.readManifest(reference)));
  const all = documents
    .filter((index) => index !== undefined)
    .filter(isIndex)
    .flatMap((index) => [...attestationsOf(parseIndex(index))]);
  const read = await Promise.all(
    all.map(
      async ([about, attestation]) => [about, await provenanceIn(store, attestation)] as const,
    ),
  );
  return new Map(read.flatMap(([about, text]) => (text === undefined ? [] : [[about, text]])));
}

async function ofMaterials(
  { image, inputs, folder }: Speaking,
  { files, log }: Ports,
): Promise<readonly Statement[]> {
  const found: Statement[] = [];
  for (const { platform } of image.platforms) {
    const [cycloneDx] = sbomFiles(platform);
    try {
      const text = await files.readFile(join(folder, cycloneDx), "utf8");
      found.push(aboutMaterials(image, platform, text));
    } catch (error) {
      if (!isError(error) || error.code !== "ENOENT") throw error;
      const message = `The results folder has no bill of materials for ${platform} (${cycloneDx}).`;
      if (inputs.sbom === "required")
        throw new CheckError(message, {
          todo: "Run the stage scan, or publish without: sbom: auto.",
        });
      log.warning(message);
    }
  }
  return found;
}

function isSmall(
  statement: Statement,
  { sbom }: Speaking["inputs"],
  log: Pick<Log, "warning">,
): boolean {
  const size = Buffer.byteLength(JSON.stringify(statement));
  if (size <= largest) return true;
  const message = `The statement ${statement.predicateType} has ${size} bytes, more than the ${largest} that may be signed.`;
  if (sbom === "required") throw new CheckError(message);
  log.warning(`${message} It is left out.`);
  return false;
}
