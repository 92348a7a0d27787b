import { join } from "node:path";
import { attach } from "../attest/attach.ts";
import type { AttestInputs } from "../config/attest.ts";
import { UsageError } from "../errors.ts";
import { type Document, parseIndex } from "../images/manifest.ts";
import { platformName } from "../images/platform.ts";
import { lockName } from "../models/lock.ts";
import type { Store } from "../ports/store.ts";
import type { BuildResult, PromoteResult, Results } from "../results/stages.ts";
import { sigstoreInstance } from "../sigstore/instance.ts";
import { keylessSigner } from "../sigstore/sign.ts";
import type { Claims } from "../sigstore/token.ts";
import { completedLock } from "./assemble.ts";
import { needed } from "./needed.ts";
import type { Ports } from "./ports.ts";
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

type Attested = Pick<PromoteResult, "attestations" | "unsigned">;

/** Why nothing can be signed, or undefined. A UsageError where it must be. */
export function unsignedBecause({ sign, identity, noIdentity }: AttestInputs): string | undefined {
  if (sign === "off") return "sign is off";
  if (identity !== undefined) return undefined;
  if (sign === "auto") return noIdentity;
  throw new UsageError(`sign: required, but ${noIdentity}.`, {
    todo: "Publish in a workflow's job with `permissions: id-token: write`, or say `sign: auto`.",
  });
}

/** Says of the final image what is known, signed as the workflow of this job, and attaches it; or says why nothing is signed. */
export async function attestImage(
  image: Document,
  untested: PromoteResult["untested"],
  { results, inputs, folder, store, runtimes }: Attesting,
  { fetch, clock, log, files, signal }: Pick<Ports, "fetch" | "clock" | "log" | "files" | "signal">,
): Promise<Attested> {
  const unsigned = unsignedBecause(inputs);
  if (unsigned !== undefined || inputs.identity === undefined)
    return left(unsigned ?? inputs.noIdentity, log);
  const { prepare: plan } = results;
  if (plan === undefined) {
    if (inputs.sign === "required") needed(results, "prepare");
    return left("the results folder has no prepare.json, which says what was built", log);
  }
  const instance = await sigstoreInstance(inputs.sigstore, files);
  const signer = await keylessSigner(inputs.identity, instance, { fetch, clock, log, signal });
  const secret = secrecy(signer.claims, inputs);
  if (secret !== undefined) return left(secret, log);
  const lock = plan.models.lock === "" ? undefined : await lockIn(folder, files);
  const statements = await statementsOf(
    {
      ...{ plan, results, lock, untested, inputs, folder },
      image: {
        name: plan.image.startsWith("oci:") ? "director" : plan.image,
        digest: image.digest,
        platforms: parseIndex(image).manifests.map(({ digest, platform }) => ({
          ...{ digest, platform: platform === undefined ? "unknown" : platformName(platform) },
        })),
      },
      by: runOf(signer.claims, inputs),
    },
    { files, log, runtimes },
  );
  const by = { signer, root: instance.root };
  const attached = await attach(statements, image, by, { store, clock, log, signal });
  return { attestations: attached.map((entry) => ({ ...entry })) };
}

function left(unsigned: string, log: Pick<Ports["log"], "info">): Attested {
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
