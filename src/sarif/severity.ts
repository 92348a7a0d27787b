import type { Finding } from "../results/finding.ts";

interface Shown {
  readonly level: "error" | "warning" | "note";
  /** CodeQL's words, which code scanning sorts by where there is no security-severity. */
  readonly problem: "error" | "warning" | "recommendation";
  /** Scores that code scanning shows under the same name; it calls "over 9.0" critical. */
  readonly band: readonly [lowest: number, highest: number, without: number] | undefined;
}

const table: Readonly<Record<Finding["severity"], Shown>> = {
  CRITICAL: { level: "error", problem: "error", band: [9.1, 10, 9.5] },
  HIGH: { level: "error", problem: "error", band: [7, 8.9, 8] },
  MEDIUM: { level: "warning", problem: "warning", band: [4, 6.9, 5.5] },
  LOW: { level: "note", problem: "recommendation", band: [0.1, 3.9, 2] },
  UNKNOWN: { level: "note", problem: "recommendation", band: undefined },
};

export const levelOf = (severity: Finding["severity"]) => table[severity].level;
export const problemOf = (severity: Finding["severity"]) => table[severity].problem;

/**
 * The score by which code scanning names an alert: CVSS where it agrees with the severity that the gate went by, else the nearest that does,
 * so that no alert is critical there and low here. Undefined where the severity is not known.
 */
export function securitySeverity(
  severity: Finding["severity"],
  score: number | undefined,
): string | undefined {
  const { band } = table[severity];
  if (band === undefined) return undefined;
  const [lowest, highest, without] = band;
  return Math.min(highest, Math.max(lowest, score ?? without)).toFixed(1);
}
