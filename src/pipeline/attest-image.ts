import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { aboutScan, type FinalImage } from "../attest/about.ts";
import { attach, type Speaker } from "../attest/attach.ts";
import type { AttestInputs } from "../config/attest.ts";
import { UsageError } from "../errors.ts";
import { type Document, isIndex, parseIndex } from "../images/manifest.ts";
import { platformName } from "../images/platform.ts";
import { lockName } from "../models/lock.ts";
import type { Store } from "../ports/store.ts";
import type { BuildResult, PrepareResult, PromoteResult, Results } from "../results/stages.ts";
import { sigstoreInstance } from "../sigstore/instance.ts";
import { keylessSigner } from "../sigstore/sign.ts";
import type { Claims } from "../sigstore/token.ts";
import { completedLock } from "./assemble.ts";
import { readCandidate } from "./candidate.ts";
import { nameOf } from "./job.ts";
import { carriesLock, runtimesOf } from "./made-from.ts";
import { needed } from "./needed.ts";
import type { Ports } from "./ports.ts";
import type { Attested } from "./promote.ts";
import { statementsOf } from "./statements.ts";

export interface Attesting {
  readonly results: Results;
  readonly inputs: AttestInputs;
  /** The results folder. */
  readonly folder: string;
  /** Where the final image is. */
  readonly store: Store;
  /** Where a build left its runtimes. */
  readonly runtimes: (build: BuildResult) => Store;
}

type AttestPorts = Pick<Ports, "fetch" | "clock" | "log" | "files" | "signal">;

/** Why nothing can be signed, or undefined. A UsageError where it must be. */
export function unsignedBecause({ sign, identity, noIdentity }: AttestInputs): string | undefined {
  if (sign === "off") return "sign is off";
  if (identity !== undefined) return undefined;
  if (sign === "auto") return noIdentity;
  throw new UsageError(`sign: required, but ${noIdentity}.`, {
    todo: "Publish in a workflow's job with `permissions: id-token: write`, or say `sign: auto`.",
  });
}

/** How promote says what is known of images. A UsageError at once where that must be signed and cannot be. */
export function attester(attesting: Attesting, ports: AttestPorts) {
  unsignedBecause(attesting.inputs);
  return {
    attest: (image: Document, untested: PromoteResult["untested"]) =>
      attestImage(image, untested, attesting, ports),
    attestScan: (published: Document) => attestScan(published, attesting, ports),
  };
}

/** Says of the final image what is known, signed as the workflow of this job, and attaches it; or says why nothing is signed. */
async function attestImage(
  image: Document,
  untested: PromoteResult["untested"],
  { results, inputs, folder, store, runtimes }: Attesting,
  ports: AttestPorts,
): Promise<Attested> {
  const { files, log } = ports;
  const speaker = await speakerFor(results, inputs, ports);
  if ("unsigned" in speaker) return speaker;
  const { plan, signer } = speaker;
  const made = inputs.provenance
    ? await madeFrom(image, plan, { results, folder, store, files })
    : { lock: undefined, runtimes: [] };
  const statements = await statementsOf(
    {
      ...{ plan, results, untested, inputs, folder, ...made },
      image: finalImage(image, plan),
      by: runOf(signer.claims, inputs),
    },
    { files, log, runtimes },
  );
  return attached(statements, image, speaker, { store, ...ports });
}

/**
 * Says of a published image what a later scan of the same runtime layers saw, so that it stays young to who asks (verify --max-age); nothing
 * where other layers were scanned. Layers, not manifests, are compared: a refresh's manifest bears its month.
 */
async function attestScan(
  published: Document,
  { results, inputs, store }: Attesting,
  ports: AttestPorts,
): Promise<Attested> {
  const unfit = results.scan.find(({ verdict }) => verdict !== "passed");
  if (unfit !== undefined) return left(`the scan ${unfit.verdict}`, ports.log);
  const speaker = await speakerFor(results, inputs, ports);
  if ("unsigned" in speaker) return speaker;
  const other = await scannedElsewhere(published, results.scan, store);
  if (other !== undefined) return left(other, ports.log);
  const about = finalImage(published, speaker.plan);
  const statements = results.scan.map((scan) => aboutScan(about, scan));
  return attached(statements, published, speaker, { store, ...ports });
}

async function attached(...given: Parameters<typeof attach>): Promise<Attested> {
  const all = await attach(...given);
  return { attestations: all.map((entry) => ({ ...entry })) };
}

/** Why scans say nothing of an image: they looked at other layers than its runtimes'. Undefined where they did not. */
async function scannedElsewhere(
  image: Document,
  scans: Results["scan"],
  store: Store,
): Promise<string | undefined> {
  if (!isIndex(image)) return `${image.digest} is no index over platforms (${image.mediaType})`;
  const seen = await readCandidate(image, store);
  const other = scans
    .flatMap(({ platforms }) => platforms)
    .find(({ platform, diffIds }) => {
      const own = seen.find((entry) => entry.platform === platform)?.diffIds;
      return own === undefined || !isDeepStrictEqual(diffIds, own);
    });
  return (
    other &&
    `the runtime layers of ${image.digest} for ${other.platform} are not those that were scanned (diff_ids of ${other.digest})`
  );
}

/** Who may say something in this job, and of which plan; or why nobody may. */
async function speakerFor(
  results: Results,
  inputs: AttestInputs,
  { fetch, clock, log, files, signal }: AttestPorts,
): Promise<(Speaker & { readonly plan: PrepareResult }) | { readonly unsigned: string }> {
  const unsigned = unsignedBecause(inputs);
  if (unsigned !== undefined || inputs.identity === undefined)
    return left(unsigned ?? inputs.noIdentity, log);
  const { prepare: plan } = results;
  if (plan === undefined) {
    if (inputs.sign === "required") needed(results, "prepare");
    return left("the results folder has no prepare.json, which says what was built", log);
  }
  const instance = await sigstoreInstance(inputs.sigstore, files);
  const ports = { fetch, clock, log, signal };
  const signer = await keylessSigner(inputs.identity, instance, ports);
  const secret = secrecy(signer.claims, inputs);
  if (secret !== undefined) return left(secret, log);
  return { signer, plan, root: instance.root, server: inputs.server };
}

function finalImage(image: Document, plan: PrepareResult): FinalImage {
  return {
    name: nameOf(plan),
    digest: image.digest,
    platforms: parseIndex(image).manifests.map(({ digest, platform }) => ({
      ...{ digest, platform: platform === undefined ? "unknown" : platformName(platform) },
    })),
  };
}

function left(unsigned: string, log: Pick<Ports["log"], "info">): { readonly unsigned: string } {
  log.info(`Nothing is signed: ${unsigned}.`);
  return { unsigned };
}

/** The public good instance shows everybody which repository signed what. */
function secrecy(
  { repository_visibility: visibility }: Claims,
  { sign, sigstore }: AttestInputs,
): string | undefined {
  if (sign !== "auto" || sigstore !== undefined) return undefined;
  return visibility === undefined || visibility === "public"
    ? undefined
    : `the repository is ${visibility}, and Sigstore's log would show its name to everybody (sign: required signs all the same)`;
}

/** The workflow and its run, as the certificate names them, too. */
function runOf(claims: Claims, { server }: AttestInputs) {
  const { job_workflow_ref: workflow, repository, run_id: run, run_attempt: attempt } = claims;
  return {
    builder:
      workflow === undefined
        ? "https://github.com/nsn/director-image-action"
        : `${server}/${workflow}`,
    invocation:
      repository === undefined || run === undefined
        ? undefined
        : `${server}/${repository}/actions/runs/${run}/attempts/${attempt ?? 1}`,
  };
}

/** What the candidate was made from, held against it: what is signed of it is true. */
async function madeFrom(
  image: Document,
  plan: PrepareResult,
  {
    results,
    folder,
    store,
    files,
  }: Pick<Attesting, "results" | "folder" | "store"> & Pick<Ports, "files">,
) {
  const lock = plan.models.lock === "" ? undefined : await lockIn(folder, files);
  const runtimes = runtimesOf(needed(results, "assemble"), results.build);
  await carriesLock(image, lock, store);
  return { lock, runtimes };
}

async function lockIn(folder: string, files: Ports["files"]) {
  try {
    return await completedLock(folder, files);
  } catch (cause) {
    throw new UsageError(
      `${join(folder, lockName)} cannot be read, so that the provenance could not name the weights.`,
      { cause, todo: "Promote needs the results of the stages models and build, too." },
    );
  }
}
