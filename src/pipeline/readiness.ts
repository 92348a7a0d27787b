import { isDeepStrictEqual } from "node:util";
import type { Digest } from "../images/digest.ts";
import type { Platform } from "../images/platform.ts";
import type { AcceptResult, AssembleResult, PromoteResult, ScanResult } from "../results/stages.ts";
import { worst } from "../results/verdict.ts";

/** How what was not looked at is named in `missing`, which the signed statement of the assembly repeats and verify reads. */
export const theAcceptance = "the acceptance";
export function theScanOf(platform: Platform): string {
  return `the scan of ${platform}`;
}

/** Whether a list of what is missing names it, with or without why. Pure. */
export function isMissing(what: string, missing: readonly string[]): boolean {
  return missing.some((entry) => entry === what || entry.startsWith(`${what} `));
}

export interface Readiness {
  /** What was looked at and said no: never published. */
  readonly refused: readonly string[];
  /** What was not looked at: published only with a reason. */
  readonly missing: readonly string[];
}

/** A platform of the candidate as the store has it. */
export interface SeenPlatform {
  readonly platform: Platform;
  readonly digest: Digest;
  /** Of the layers that are the runtime's; undefined where the image does not tell them from the models'. */
  readonly diffIds: readonly Digest[] | undefined;
}

/**
 * Whether this very candidate was scanned and accepted (design: "promote"): the results speak of its digests, and the layers that were
 * scanned are those of the image that the store has.
 */
export function readiness(
  candidate: AssembleResult,
  seen: readonly SeenPlatform[],
  scans: readonly ScanResult[],
  accepts: readonly AcceptResult[],
): Readiness {
  const found = [
    ...candidate.platforms.map((platform) => sameAs(platform, seen)),
    ...seen.map((platform) => namedIn(candidate, platform)),
    ...candidate.platforms.map((platform) => scanOf(platform, seen, scans)),
    acceptanceOf(candidate, accepts),
  ];
  return {
    refused: found.flatMap(({ refused }) => refused ?? []),
    missing: found.flatMap(({ missing }) => missing ?? []),
  };
}

/** The checks that acceptances left out, and why: a promise of less than an acceptance can say. Pure. */
export function notRun(accepts: readonly AcceptResult[]): NonNullable<PromoteResult["notRun"]> {
  return accepts
    .flatMap(({ checks }) => checks)
    .filter(({ verdict }) => verdict === "skipped")
    .map(({ name, reason = "" }) => ({ check: name, reason }));
}

/** The same for people: `gpu (no GPU), vram (after gpu)`. Pure. */
export function inWords(left: ReturnType<typeof notRun>): string {
  return left.map(({ check, reason }) => `${check} (${reason})`).join(", ");
}

type Assembled = AssembleResult["platforms"][number];

interface Finding {
  readonly refused?: string;
  readonly missing?: string;
}

function sameAs({ platform, digest }: Assembled, seen: readonly SeenPlatform[]): Finding {
  const found = seen.find((entry) => entry.platform === platform);
  return found?.digest === digest
    ? {}
    : {
        refused: `assemble.json names ${digest} for ${platform}, the candidate has ${found?.digest ?? "no such platform"}`,
      };
}

function namedIn({ platforms }: AssembleResult, { platform, digest }: SeenPlatform): Finding {
  return platforms.some((entry) => entry.platform === platform)
    ? {}
    : { refused: `the candidate has ${digest} for ${platform}, which assemble.json does not name` };
}

/** Every scan of the platform counts: one that failed, or that looked at something else, is not made good by another. */
function scanOf(
  { platform, runtimeDigest }: Assembled,
  seen: readonly SeenPlatform[],
  scans: readonly ScanResult[],
): Finding {
  const looked = scans.filter(({ platforms }) =>
    platforms.some((scanned) => scanned.platform === platform),
  );
  const scan = worst(looked);
  const what = theScanOf(platform);
  if (scan === undefined) return { missing: what };
  const scanned = looked
    .flatMap(({ platforms }) => platforms)
    .filter((entry) => entry.platform === platform);
  const foreign = scanned.find((entry) => entry.digest !== runtimeDigest);
  if (foreign !== undefined)
    return {
      refused: `${what} looked at ${foreign.digest}, the candidate was made from ${runtimeDigest}`,
    };
  const layers = seen.find((entry) => entry.platform === platform)?.diffIds;
  if (scanned.some(({ diffIds }) => diffIds !== undefined && !isDeepStrictEqual(diffIds, layers)))
    return {
      refused: `${what} looked at other layers than the candidate's (diff_ids)`,
    };
  const verdict = judged(what, scan);
  return verdict.refused === undefined && scanned.some(({ diffIds }) => diffIds === undefined)
    ? { missing: `${what} (it does not say which layers it looked at)` }
    : verdict;
}

function acceptanceOf({ digest }: AssembleResult, accepts: readonly AcceptResult[]): Finding {
  const accept = worst(accepts);
  if (accept === undefined) return { missing: theAcceptance };
  const other = accepts.find((entry) => entry.digest !== digest);
  if (other !== undefined)
    return { refused: `${theAcceptance} started ${other.digest}, the candidate is ${digest}` };
  return judged(theAcceptance, accept);
}

function judged(
  what: string,
  { verdict, reason }: Pick<ScanResult, "verdict" | "reason">,
): Finding {
  if (verdict === "passed") return {};
  const why = `${what} ${verdict}${reason === undefined ? "" : ` (${reason})`}`;
  return verdict === "failed" ? { refused: why } : { missing: why };
}
