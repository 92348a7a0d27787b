import { CheckError, explain, InterruptedError, RemoteError, UsageError } from "../errors.ts";
import { type Age, type Aged, ageOf, promotion } from "../images/age.ts";
import type { Digest } from "../images/digest.ts";
import { type Document, isIndex, parseIndex } from "../images/manifest.ts";
import { isTag } from "../images/reference.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { AcceptResult, AssembleResult, PromoteResult, ScanResult } from "../results/stages.ts";
import { readCandidate } from "./candidate.ts";
import { inWords, notRun, readiness, type SeenPlatform } from "./readiness.ts";

export interface Promoting {
  readonly candidate: AssembleResult;
  readonly tags: readonly string[];
  readonly scans: readonly ScanResult[];
  readonly accepts: readonly AcceptResult[];
  readonly allowUntested: string | undefined;
  readonly force: boolean;
  /** What the tags shall point at although the candidate may be published: nothing changed since. */
  readonly instead?: Instead | undefined;
}

interface Instead {
  /** The published image. */
  readonly published: Document;
  readonly why: string;
}

interface MovePorts {
  readonly store: Store;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

export interface PromotePorts extends MovePorts {
  /** Says of the candidate, or of what is published instead, what is known, and attaches it; whatever it throws, no tag is moved. */
  readonly attest: (candidate: Document, untested: PromoteResult["untested"]) => Promise<Attested>;
}

export type Attested = Pick<PromoteResult, "attestations" | "unsigned">;

type Move = PromoteResult["tags"][number] & { readonly before: Document | undefined };

/**
 * Points tags at a candidate that was tested, or at what is published `instead`: all of them, or none. Throws a CheckError that names what is
 * missing or refused.
 */
export async function promote(promoting: Promoting, ports: PromotePorts): Promise<PromoteResult> {
  const { store, log } = ports;
  const { candidate, force, instead } = promoting;
  const tags = [...new Set(promoting.tags)];
  const bad = tags.find((tag) => !isTag(tag));
  if (bad !== undefined) throw new UsageError(`"${bad}" is not a tag.`);
  const document = await store.readManifest(candidate.digest);
  if (document === undefined) {
    throw new CheckError(`${store.name} does not hold the candidate ${candidate.digest}.`, {
      todo: "Run the stage assemble again: it sends what is missing.",
    });
  }
  const untested = checked(promoting, await readCandidate(document, store));
  if (untested !== undefined)
    log.warning(`Published without ${untested.missing.join(", ")}: ${untested.reason}`);
  const left = notRun(promoting.accepts);
  if (left.length > 0) log.info(`Accepted without: ${inWords(left)}.`);
  const aged = candidateAge(document);
  const planned = (tag: string) =>
    instead === undefined
      ? plan(tag, aged, force, store)
      : planInstead(tag, candidate.digest, instead, store);
  const moves = await Promise.all(tags.map(planned));
  const attested = await ports.attest(document, untested);
  await moveAll(moves, instead?.published ?? document, ports);
  return {
    digest: candidate.digest,
    ...(instead === undefined ? {} : { published: instead.published.digest }),
    ...attested,
    tags: moves.map(({ before: _before, ...move }) => move),
    ...(left.length === 0 ? {} : { notRun: left }),
    ...(untested === undefined ? {} : { untested }),
  };
}

function checked(
  { candidate, scans, accepts, allowUntested }: Promoting,
  seen: readonly SeenPlatform[],
): PromoteResult["untested"] {
  const { refused, missing } = readiness(candidate, seen, scans, accepts);
  if (refused.length > 0)
    throw new CheckError(`No tag is moved to ${candidate.digest}: ${refused.join("; ")}.`);
  if (missing.length === 0) return undefined;
  if (allowUntested !== undefined) return { reason: allowUntested, missing: [...missing] };
  throw new CheckError(
    `No tag is moved to ${candidate.digest}: missing are ${missing.join(", ")}.`,
    {
      todo: "Run the missing stages, or say why it may be published all the same: allow-untested: REASON.",
    },
  );
}

async function plan(tag: string, image: Aged, force: boolean, store: Store): Promise<Move> {
  const before = await store.readManifest(tag);
  const { move, why } = promotion(before === undefined ? undefined : agedOf(before), image, force);
  return {
    tag,
    ...(before === undefined ? {} : { from: before.digest }),
    to: image.digest,
    moved: move,
    why,
    before,
  };
}

/** A tag stays at the published image, and at the candidate; others follow to the published image, which is no older. */
async function planInstead(
  tag: string,
  candidate: Digest,
  { published, why }: Instead,
  store: Store,
): Promise<Move> {
  if ((await store.manifestDigest(tag)) === candidate && candidate !== published.digest)
    return {
      tag,
      from: candidate,
      to: candidate,
      moved: false,
      why: "already there",
      before: undefined,
    };
  const move = await plan(tag, agedOf(published), false, store);
  if (move.moved) return { ...move, why: `${move.why}, to the published image: ${why}` };
  return move.from === published.digest ? { ...move, why } : move;
}

/** Moves tag after tag, each read again afterwards; what was moved goes back when one fails. */
async function moveAll(
  moves: readonly Move[],
  document: Document,
  { store, log, signal }: MovePorts,
): Promise<void> {
  const moved: Move[] = [];
  for (const move of moves.filter((entry) => entry.moved)) {
    try {
      signal?.throwIfAborted();
      await stillAt(move.tag, move.before?.digest, store);
      moved.push(move);
      await store.putManifest(document, move.tag);
      await stillAt(move.tag, document.digest, store);
      log.info(`${move.tag} → ${document.digest} (${move.why})`);
    } catch (error) {
      const left = await putBack(moved, document.digest, { store, log });
      if (error instanceof InterruptedError) {
        log.warning(`Stopped before every tag was moved; ${left}`);
        throw error;
      }
      throw new RemoteError(`The tag ${move.tag} could not be moved; ${left}`, {
        cause: error,
        todo: "Run promote again.",
      });
    }
  }
}

async function stillAt(tag: string, wanted: Digest | undefined, store: Store): Promise<void> {
  const seen = await store.manifestDigest(tag);
  if (seen === wanted) return;
  throw new RemoteError(
    `the tag ${tag} was moved by somebody else meanwhile: it is at ${seen ?? "nothing"}, ${wanted ?? "nothing"} was expected.`,
  );
}

/** Puts tags back that still point at the image that they were moved to, and says in words how that went. */
async function putBack(
  moved: readonly Move[],
  image: Digest,
  { store, log }: MovePorts,
): Promise<string> {
  const stuck: string[] = [];
  for (const { tag, before } of moved.toReversed()) {
    try {
      if ((await store.manifestDigest(tag)) !== image) continue;
      if (before !== undefined) await store.putManifest(before, tag);
      else if (!(await store.removeTag(tag)))
        stuck.push(`${tag} (new, and ${store.name} does not remove tags)`);
    } catch (error) {
      log.warning(`The tag ${tag} could not be put back: ${explain(error)}`);
      stuck.push(tag);
    }
  }
  return stuck.length === 0
    ? "every tag is where it was before."
    : `these could not be put back: ${stuck.join(", ")}.`;
}

function candidateAge(document: Document): Aged & { readonly age: Age } {
  const aged = agedOf(document);
  if (aged.age === undefined)
    throw new CheckError(
      `The candidate ${document.digest} does not say its commit's time (annotation org.opencontainers.image.created).`,
      { todo: "Run the stage assemble again." },
    );
  return { ...aged, age: aged.age };
}

function agedOf(document: Document): Aged {
  if (!isIndex(document))
    return { digest: document.digest, platforms: [document.digest], age: undefined };
  const index = parseIndex(document);
  return {
    digest: document.digest,
    platforms: index.manifests.map(({ digest }) => digest),
    age: ageOf(index.annotations),
  };
}
