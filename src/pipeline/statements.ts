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
import { attestationsOf, isIndex, parseIndex } from "../images/manifest.ts";
import { type Lock, lockName } from "../models/lock.ts";
import { lockFileDigest } from "../models/lock-text.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { BuildResult, PrepareResult, PromoteResult, Results } from "../results/stages.ts";
import { sbomFiles } from "./job.ts";
import type { BuiltRuntime } from "./made-from.ts";
import { weightsOf } from "./model-parts.ts";

export interface Speaking {
  readonly image: FinalImage;
  readonly plan: PrepareResult;
  readonly results: Pick<Results, "models" | "scan" | "accept">;
  /** What the image was made from; nothing where no provenance is wanted. */
  readonly runtimes: readonly BuiltRuntime[];
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

/**
 * Everything that is said of a final image, the assembly first. A CheckError where a wanted bill of materials is not there, or what has to be
 * said is too much.
 */
export async function statementsOf(
  speaking: Speaking,
  ports: Ports,
): Promise<readonly Statement[]> {
  const { image, results, inputs } = speaking;
  const { provenance, sbom } = inputs;
  const bills = sbom === "off" ? [] : await ofMaterials(speaking, ports);
  return [
    ...(provenance ? [whole(aboutAssembly(image, assemblyOf(speaking)))] : []),
    ...(provenance ? small(await ofRuntimes(speaking, ports), ports.log) : []),
    ...(sbom === "required" ? bills.map(whole) : small(bills, ports.log)),
    ...results.scan.map((scan) => whole(aboutScan(image, scan))),
    ...results.accept.map((accept) => whole(aboutAcceptance(image, accept))),
  ];
}

function assemblyOf({ plan, results, runtimes, lock, untested, by }: Speaking): Assembly {
  const { models } = results;
  return {
    ...{ plan, untested },
    ...by,
    platforms: runtimes.map(({ built: { platform, digest, base }, build: { repository } }) => ({
      ...{ platform, base },
      runtime: { repository, digest },
    })),
    models:
      models?.digest === undefined
        ? undefined
        : { repository: models.repository, digest: models.digest },
    weights: lock === undefined ? [] : weightsOf(lock, plan.models.delivery),
    lock:
      lock === undefined
        ? undefined
        : { path: `${lock.root}/${lockName}`, digest: lockFileDigest(lock) },
  };
}

/** BuildKit's provenance of each runtime, where its index holds any. */
async function ofRuntimes(
  { image, runtimes }: Speaking,
  { runtimes: storeOf, log }: Ports,
): Promise<readonly Statement[]> {
  const found: Statement[] = [];
  for (const build of new Set(runtimes.map((runtime) => runtime.build))) {
    const provenances = await provenancesOf(build, storeOf(build));
    for (const { built } of runtimes.filter((runtime) => runtime.build === build)) {
      const { platform, digest } = built;
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

/** What has to be said: a CheckError where it is too much for one statement. */
function whole(statement: Statement): Statement {
  const problem = tooLarge(statement);
  if (problem === undefined) return statement;
  throw new CheckError(`${problem} Nothing is published without it.`, {
    todo: "See what fills it in the results folder, or publish without signed statements: sign: off.",
  });
}

/** What may be left out where it is too much. */
function small(statements: readonly Statement[], log: Pick<Log, "warning">): readonly Statement[] {
  return statements.filter((statement) => {
    const problem = tooLarge(statement);
    if (problem !== undefined) log.warning(`${problem} It is left out.`);
    return problem === undefined;
  });
}

function tooLarge(statement: Statement): string | undefined {
  const size = Buffer.byteLength(JSON.stringify(statement));
  return size <= largest
    ? undefined
    : `The statement ${statement.predicateType} has ${size} bytes, more than the ${largest} that may be signed.`;
}
