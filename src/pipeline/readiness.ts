import type { AcceptResult, AssembleResult, ScanResult } from "../results/stages.ts";
import { worst } from "../results/verdict.ts";

export interface Readiness {
  /** What was looked at and said no: never published. */
  readonly refused: readonly string[];
  /** What was not looked at: published only with a reason. */
  readonly missing: readonly string[];
}

/** Whether this very candidate was scanned and accepted, by the digests in the results (design: "promote"). */
export function readiness(
  candidate: AssembleResult,
  scans: readonly ScanResult[],
  accepts: readonly AcceptResult[],
): Readiness {
  const found = [
    ...candidate.platforms.map((platform) => scanOf(platform, scans)),
    acceptanceOf(candidate, accepts),
  ];
  return {
    refused: found.flatMap(({ refused }) => refused ?? []),
    missing: found.flatMap(({ missing }) => missing ?? []),
  };
}

interface Finding {
  readonly refused?: string;
  readonly missing?: string;
}

/** Every scan of the platform counts: one that failed, or that looked at something else, is not made good by another. */
function scanOf(
  { platform, runtimeDigest }: AssembleResult["platforms"][number],
  scans: readonly ScanResult[],
): Finding {
  const looked = scans.filter(({ platforms }) =>
    platforms.some((scanned) => scanned.platform === platform),
  );
  const scan = worst(looked);
  if (scan === undefined) return { missing: `the scan of ${platform}` };
  const foreign = looked
    .flatMap(({ platforms }) => platforms)
    .find((scanned) => scanned.platform === platform && scanned.digest !== runtimeDigest);
  if (foreign !== undefined)
    return {
      refused: `the scan of ${platform} looked at ${foreign.digest}, the candidate was made from ${runtimeDigest}`,
    };
  return judged(`the scan of ${platform}`, scan);
}

function acceptanceOf({ digest }: AssembleResult, accepts: readonly AcceptResult[]): Finding {
  const accept = worst(accepts);
  if (accept === undefined) return { missing: "the acceptance" };
  const other = accepts.find((entry) => entry.digest !== digest);
  if (other !== undefined)
    return { refused: `the acceptance started ${other.digest}, the candidate is ${digest}` };
  return judged("the acceptance", accept);
}

function judged(
  what: string,
  { verdict, reason }: Pick<ScanResult, "verdict" | "reason">,
): Finding {
  if (verdict === "passed") return {};
  const why = `${what} ${verdict}${reason === undefined ? "" : ` (${reason})`}`;
  return verdict === "failed" ? { refused: why } : { missing: why };
}
