import type { AcceptResult, AssembleResult, ScanResult } from "../results/stages.ts";

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

function scanOf(
  { platform, runtimeDigest }: AssembleResult["platforms"][number],
  scans: readonly ScanResult[],
): Finding {
  const scan = scans.find(({ platforms }) =>
    platforms.some((scanned) => scanned.platform === platform),
  );
  const scanned = scan?.platforms.find((entry) => entry.platform === platform);
  if (scan === undefined || scanned === undefined) return { missing: `the scan of ${platform}` };
  if (scanned.digest !== runtimeDigest)
    return {
      refused: `the scan of ${platform} looked at ${scanned.digest}, the candidate was made from ${runtimeDigest}`,
    };
  return judged(`the scan of ${platform}`, scan);
}

function acceptanceOf({ digest }: AssembleResult, accepts: readonly AcceptResult[]): Finding {
  const [first] = accepts;
  if (first === undefined) return { missing: "the acceptance" };
  const other = accepts.find((accept) => accept.digest !== digest);
  if (other !== undefined)
    return { refused: `the acceptance started ${other.digest}, the candidate is ${digest}` };
  return judged(
    "the acceptance",
    accepts.find(({ verdict }) => verdict === "failed") ??
      accepts.find(({ verdict }) => verdict !== "passed") ??
      first,
  );
}

function judged(
  what: string,
  { verdict, reason }: Pick<ScanResult, "verdict" | "reason">,
): Finding {
  if (verdict === "passed") return {};
  const why = `${what} ${verdict}${reason === undefined ? "" : ` (${reason})`}`;
  return verdict === "failed" ? { refused: why } : { missing: why };
}
