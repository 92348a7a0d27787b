import { isDeepStrictEqual } from "node:util";
import { IntegrityError } from "../errors.ts";
import { blobOf } from "../images/blob.ts";
import { type Digest, digestOf } from "../images/digest.ts";
import { type Document, descriptorOf } from "../images/manifest.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { StatementSigner } from "../sigstore/sign.ts";
import { type Signer, signedStatement } from "../sigstore/verify.ts";
import { type Attached, bundleManifest, emptyBlob, readAttached } from "./artifact.ts";
import { assemblyPredicate, predicateTypes } from "./predicates.ts";
import { parseStatement, type Statement, subjectsOf } from "./statement.ts";

export interface AttachPorts {
  readonly store: Store;
  readonly clock: Pick<Clock, "now">;
  readonly log: Pick<Log, "info">;
  readonly signal?: AbortSignal | undefined;
}

/** Who signs, and the root that proves it. */
export interface Speaker {
  readonly signer: StatementSigner;
  readonly root: unknown;
  /** Address of the GitHub whose job signs, as certificates write it: `https://github.com`. */
  readonly server: string;
}

export interface Attestation {
  readonly predicateType: string;
  /** The artifact's manifest. */
  readonly digest: Digest;
  /** What it is attached to: the index of the final image. */
  readonly subject: Digest;
}

/**
 * Signs statements, attaches each to the image as a referrer, one after the other, and reads all back: what is given is there, proved by
 * the root. What this workflow has said in the same words before, in a run of the same repository and ref, is not said again.
 */
export async function attach(
  statements: readonly Statement[],
  image: Document,
  speaker: Speaker,
  ports: AttachPorts,
): Promise<readonly Attestation[]> {
  const { store, log, signal } = ports;
  const { signer, root } = speaker;
  const mine = (await provedBundles(image.digest, root, store)).filter(isBy(speaker));
  const done: Pick<Proved, "statement" | "digest">[] = [];
  for (const statement of statements) {
    signal?.throwIfAborted();
    const known = mine.find((entry) => saysTheSame(entry.statement, statement));
    if (known !== undefined) log.info(`Said before: ${statement.predicateType} (${known.digest}).`);
    done.push(known ?? { statement, digest: await attachOne(statement, image, signer, ports) });
  }
  await readBack(done, image.digest, root, store);
  return done.map(({ statement: { predicateType }, digest }) => ({
    ...{ predicateType, digest, subject: image.digest },
  }));
}

async function attachOne(
  statement: Statement,
  image: Document,
  signer: StatementSigner,
  { store, clock, log }: AttachPorts,
): Promise<Digest> {
  const { predicateType } = statement;
  const bundle = new TextEncoder().encode(await signer.sign(statement));
  const manifest = bundleManifest({
    ...{ bundle, predicateType, subject: descriptorOf(image) },
    created: new Date(clock.now()).toISOString(),
  });
  for (const [name, bytes] of [
    ["{}", emptyBlob],
    [`the attestation ${predicateType}`, bundle],
  ] as const) {
    const digest = digestOf(bytes);
    if ((await store.blobSize(digest)) === undefined)
      await store.putBlob(blobOf(name, bytes, digest));
  }
  await store.putReferrer(manifest);
  log.info(`Attached ${predicateType}: ${manifest.digest}`);
  return manifest.digest;
}

interface Proved extends Attached {
  readonly statement: Statement;
  readonly signer: Signer;
}

/** The bundles at an image that the root proves; what strangers attached counts for nothing. */
async function provedBundles(
  image: Digest,
  root: unknown,
  store: Store,
): Promise<readonly Proved[]> {
  const found: Proved[] = [];
  for (const referrer of await store.referrers(image)) {
    try {
      const attached = await readAttached(store, referrer, image);
      if (attached === undefined) continue;
      const { statement, signer } = signedStatement(attached.bundle, root);
      found.push({ ...attached, statement: parseStatement(statement), signer });
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
    }
  }
  return found;
}

/**
 * Whether this job's own workflow said it: a reusable one has the same name whoever calls it, so the run's repository and ref must be
 * the same, too (Fulcio docs/oid-info.md, 1.3.6.1.4.1.57264.1.12 and 14). A token without these claims has said nothing before.
 */
function isBy({ signer: { claims }, server }: Speaker): (entry: Proved) => boolean {
  const { iss, job_workflow_ref: workflow, repository, ref } = claims;
  if ([iss, workflow, repository, ref].includes(undefined)) return () => false;
  return ({ signer: { issuer, subject, extensions } }) =>
    issuer === iss &&
    subject === `${server}/${workflow}` &&
    extensions["sourceRepositoryURI"] === `${server}/${repository}` &&
    extensions["sourceRepositoryRef"] === ref;
}

/** Whether it need not be said again: in the same words but for the run, or of the same bytes what does not change with time. */
function saysTheSame(before: Statement, now: Statement): boolean {
  const isSame = before.predicateType === now.predicateType && sameSubjects(before, now);
  if (!isSame || isOfAssembly(before) !== isOfAssembly(now)) return false;
  const changes =
    now.predicateType === predicateTypes.scan || now.predicateType === predicateTypes.acceptance;
  if (!changes && !isOfAssembly(now)) return true;
  return isDeepStrictEqual(lasting(before), lasting(now));
}

function sameSubjects(one: Statement, other: Statement): boolean {
  return isDeepStrictEqual(subjectsOf(one), subjectsOf(other));
}

function isOfAssembly({ predicate }: Statement): boolean {
  return assemblyPredicate.safeParse(predicate).success;
}

/** A predicate without the run that made it. */
function lasting({ predicate }: Statement): unknown {
  const { runDetails: _run, ...said } = JSON.parse(JSON.stringify(predicate));
  return said;
}

/** What was attached, as anybody reads it now; an IntegrityError for what is not there in the same words. */
async function readBack(
  attached: readonly Pick<Proved, "statement" | "digest">[],
  image: Digest,
  root: unknown,
  store: Store,
): Promise<void> {
  const there = await provedBundles(image, root, store);
  for (const { statement, digest } of attached) {
    const seen = there.find((entry) => entry.digest === digest)?.statement;
    const isThere = isDeepStrictEqual(seen, JSON.parse(JSON.stringify(statement)));
    if (!isThere || subjectsOf(statement)[0] !== image)
      throw new IntegrityError(
        `${store.name} does not show the attestation ${digest} (${statement.predicateType}) of ${image} as it was attached.`,
        { todo: "Run promote again: what is there already is not attached twice." },
      );
  }
}
