import { join, resolve } from "node:path";
import { arch, platform } from "node:process";
import type { Config, ScanInputs } from "../config/config.ts";
import { CheckError, isError, isKnown, UsageError } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import type { Platform } from "../images/platform.ts";
import { distinct } from "../results/distinct.ts";
import type { Finding } from "../results/finding.ts";
import type { ScanResult } from "../results/stages.ts";
import { eachLimited } from "../retry/each-limited.ts";
import { noting } from "../stores/noting.ts";
import { serveStore } from "../stores/serve.ts";
import { type AcceptedRisk, parseAcceptedRisks } from "../trivy/accepted-risks.ts";
import { type BlindSpot, blindSpots } from "../trivy/blind-spots.ts";
import type { Database } from "../trivy/database.ts";
import { findTrivy } from "../trivy/find.ts";
import { lookAt } from "../trivy/look.ts";
import { judge, type Policy } from "../trivy/policy.ts";
import type { Trivy } from "../trivy/program.ts";
import type { ModelPart } from "../trivy/sbom.ts";
import { type Seen, seenIn } from "../trivy/seen.ts";
import { writeSbom } from "../trivy/write-sbom.ts";
import { sbomFiles } from "./job.ts";
import { layerLines } from "./layer-lines.ts";
import type { Ports } from "./ports.ts";
import { type ReadRuntime, type Runtime, readRuntime } from "./runtime-images.ts";
import { databaseFor } from "./scan-database.ts";
import { scanView } from "./scan-view.ts";

export interface ScanRequest {
  readonly runtimes: readonly Runtime[];
  readonly inputs: ScanInputs;
  /** Where relative paths of the inputs start from. */
  readonly workspace: string;
  readonly downloadMirror: string | undefined;
  /** A folder for what lives as long as the scan. */
  readonly scratch: string;
  /** Where each platform's bill of materials goes; none is written without it. */
  readonly sbom?: Sbom;
  /** Of the published image, by the same Trivy and database: its findings are told, not judged. */
  readonly published?: PublishedRuntimes | undefined;
}

/** Takes an error about the published image as a warning: the candidate is not worse for it. A run that was stopped stops. */
export function unlessUnreadable(
  name: string,
  { log, signal }: Pick<Ports, "log" | "signal">,
): (error: unknown) => undefined {
  return (error) => {
    if (!isKnown(error) || signal.aborted) throw error;
    log.warning(
      `The published image ${name} could not be scanned, so that its packages are not compared: ${error.message}`,
    );
    return undefined;
  };
}

/** A published image's platforms as they are scanned. */
export interface PublishedRuntimes {
  readonly tag: string;
  readonly digest: Digest;
  readonly runtimes: readonly Runtime[];
}

interface Sbom {
  readonly folder: string;
  /** What the image is called in it. */
  readonly image: string;
  readonly models: readonly ModelPart[];
}

/** Platforms at a time: each Trivy holds a layer's files in memory. */
const sideBySide = 2;

/** Scans the runtime of each platform's image and judges all that was found. What is wrong is the verdict, not an error. */
export async function scanImages(request: ScanRequest, ports: Ports): Promise<ScanResult> {
  const { inputs } = request;
  const { log, clock } = ports;
  const policy = await policyOf({ ...request, scan: inputs }, ports);
  const machine = { os: platform, architecture: arch };
  const trivy = await findTrivy({ ...request, version: inputs.trivyVersion, machine }, ports);
  log.info(`Trivy ${trivy.version} (${trivy.path})`);
  const database = await databaseFor(request, trivy, ports);
  log.info(`Vulnerability database of ${database.source}, updated ${database.updatedAt}`);
  const look = (runtimes: readonly Runtime[], using: LookRequest) =>
    eachLimited(
      runtimes,
      sideBySide,
      (runtime, signal) => lookAtRuntime(runtime, using, { ...ports, signal }),
      ports.signal,
    );
  const tools = { ...request, trivy, database };
  const looked = await look(request.runtimes, tools);
  const today = new Date(clock.now()).toISOString().slice(0, 10);
  const result = resultOf(looked, { trivy, database, policy, today });
  if (request.published === undefined) return result;
  const { tag, digest, runtimes } = request.published;
  const { sbom: _candidates, ...others } = tools;
  const before = await look(runtimes, others).catch(unlessUnreadable(`${tag}@${digest}`, ports));
  if (before === undefined) return result;
  return { ...result, published: { tag, digest, platforms: before.map(publishedPlatform) } };
}

function publishedPlatform({ runtime: { platform, digest }, seen }: Looked) {
  return { platform, digest, findings: seen.findings, installed: seen.installed };
}

/** What the inputs allow; a UsageError names what is wrong in the file of accepted risks. */
export async function policyOf(
  { scan, workspace }: Pick<Config, "scan" | "workspace">,
  { files }: Pick<Ports, "files">,
): Promise<Policy> {
  const { failOn, ignoreUnfixed, policy: path } = scan;
  return {
    failOn: failOn === "none" ? undefined : (failOn.toUpperCase() as Finding["severity"]),
    ignoreUnfixed,
    accepted: path === undefined ? [] : await acceptedRisks(resolve(workspace, path), files),
  };
}

async function acceptedRisks(
  path: string,
  { readFile }: Pick<Ports["files"], "readFile">,
): Promise<readonly AcceptedRisk[]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    if (!isError(cause) || !["ENOENT", "EISDIR", "ENOTDIR"].includes(cause.code ?? "")) throw cause;
    throw new UsageError(`scan-policy: ${path} is not there, or is no file.`, { cause });
  });
  return parseAcceptedRisks(text, path);
}

type LookRequest = ScanRequest & { readonly trivy: Trivy; readonly database: Database };

interface Looked {
  readonly runtime: ReadRuntime;
  readonly diffIds: readonly Digest[];
  readonly seen: Seen;
  readonly spots: readonly BlindSpot[];
}

async function lookAtRuntime(
  runtime: Runtime,
  request: LookRequest,
  ports: Ports,
): Promise<Looked> {
  const { trivy, database, scratch, inputs } = request;
  const read = await readRuntime(runtime);
  const { digest, config, store } = scanView(read);
  const noted = noting(store);
  const served = await serveStore(noted.store, ports);
  try {
    const reference = `${served.host}/runtime@${digest}`;
    ports.log.info(`Scanning ${runtime.platform}: ${runtime.store.name}@${runtime.digest}`);
    const look = await lookAt(
      { trivy, reference, database: database.folder, scratch },
      ports,
    ).catch((error: unknown) => {
      throw noted.failure() ?? error;
    });
    const lines = await layerLines(read);
    const seen = seenIn(look.report, { ...config, lines }, reference);
    await sbomOf(runtime.platform, look.report, reference, request, ports);
    const sight = { seen, analyzerErrors: look.analyzerErrors, buckets: database.buckets };
    return {
      ...{ runtime: read, diffIds: config.rootfs.diff_ids, seen },
      spots: blindSpots(sight, inputs.minPackages),
    };
  } finally {
    await served.close();
  }
}

/** Where the caller wants one, what is in the platform's image. */
async function sbomOf(
  platform: Platform,
  report: object,
  reference: string,
  { sbom, trivy, scratch }: ScanRequest & { readonly trivy: Trivy },
  ports: Ports,
): Promise<void> {
  if (sbom === undefined) return;
  const [cycloneDx, spdx] = sbomFiles(platform);
  const request = { trivy, report, scannedAs: reference.slice(0, reference.indexOf("@")), scratch };
  await writeSbom(
    {
      ...{ ...request, image: sbom.image, models: sbom.models },
      ...{ cycloneDxPath: join(sbom.folder, cycloneDx), spdxPath: join(sbom.folder, spdx) },
    },
    ports,
  );
}

/** All platforms' looks as one result. Pure. */
function resultOf(
  looked: readonly Looked[],
  {
    trivy,
    database,
    policy,
    today,
  }: { trivy: Trivy; database: Database; policy: Policy; today: string },
): ScanResult {
  const all = looked.flatMap(({ seen }) => seen.findings);
  const judgement = judge(all, policy, today);
  const blind = looked.flatMap(({ runtime: { platform }, spots }) =>
    spots.map(({ name, reason }) => `${platform}: ${name}: ${reason}`),
  );
  const reasons = [...blind, ...(judgement.reason === undefined ? [] : [judgement.reason])];
  const judged = new Map(all.map((finding, at) => [finding, judgement.findings[at] ?? finding]));
  const platforms = looked.map(({ runtime, diffIds, seen, spots }) => {
    const findings = seen.findings.map((finding) => judged.get(finding) ?? finding);
    return {
      ...{ platform: runtime.platform, digest: runtime.digest, diffIds: [...diffIds] },
      ...(seen.os === undefined ? {} : { os: `${seen.os.family} ${seen.os.name}`.trim() }),
      ...{ packages: seen.packages, findings },
      ...{
        blindSpots: spots.map((spot) => ({ ...spot })),
        licenses: seen.licenses.map(({ name, packages }) => ({ name, packages: [...packages] })),
        installed: seen.installed,
      },
    };
  });
  return {
    verdict: blind.length > 0 ? "failed" : judgement.verdict,
    ...(reasons.length === 0 ? {} : { reason: reasons.join("; ") }),
    platforms,
    scanner: { version: trivy.version, path: trivy.path },
    database: { updatedAt: database.updatedAt, source: database.source },
    outdated: distinct(looked.flatMap(({ seen }) => seen.outdated.map((one) => ({ ...one })))),
    risks: {
      unused: judgement.unused.map((one) => ({ ...one })),
      expired: judgement.expired.map((one) => ({ ...one })),
    },
  };
}

/** A CheckError for images that were scanned and are not fit to be published. */
export function refuseScan({ verdict, reason }: ScanResult): void {
  if (verdict !== "failed") return;
  throw new CheckError(`The scan failed. ${reason}.`, {
    todo: "Nothing is published. Update what is vulnerable, or accept the risk for a time (scan-policy); all findings are in scan.json.",
  });
}
