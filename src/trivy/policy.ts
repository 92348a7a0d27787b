import { type Finding, severities } from "../results/finding.ts";
import type { AcceptedRisk } from "./accepted-risks.ts";

/** What may be in an image that is published. */
export interface Policy {
  /** Lowest severity that fails; undefined: none does. */
  readonly failOn: Finding["severity"] | undefined;
  readonly ignoreUnfixed: boolean;
  readonly accepted: readonly AcceptedRisk[];
}

export interface Judgement {
  readonly verdict: "passed" | "failed";
  readonly reason?: string;
  /** As they were given, each with why it does not count. */
  readonly findings: readonly Finding[];
  /** Entries that no finding needed: they can go. */
  readonly unused: readonly AcceptedRisk[];
  readonly expired: readonly AcceptedRisk[];
}

/** How many findings a reason names. */
const named = 5;

const unfixed = "unfixed: there is no version without it yet (ignore-unfixed)";

/** Judges what was found in all platforms by the policy; `today` is a date in UTC, `YYYY-MM-DD`. Pure. */
export function judge(findings: readonly Finding[], policy: Policy, today: string): Judgement {
  const expired = policy.accepted.filter(({ expires }) => expires < today);
  const valid = policy.accepted.filter((risk) => !expired.includes(risk));
  const judged = findings.map((finding) => withReason(finding, valid, policy));
  const failing = judged.filter(
    ({ severity, accepted }) => accepted === undefined && reaches(severity, policy.failOn),
  );
  const reasons = [
    ...(failing.length === 0 ? [] : [reasonOf(failing, policy.failOn)]),
    ...(policy.failOn === undefined ? [] : expired.map(expiry)),
  ];
  return {
    ...(reasons.length === 0
      ? { verdict: "passed" }
      : { verdict: "failed", reason: reasons.join("; ") }),
    findings: judged,
    unused: valid.filter((risk) => !findings.some((finding) => matches(risk, finding))),
    expired,
  };
}

function withReason(
  finding: Finding,
  valid: readonly AcceptedRisk[],
  { ignoreUnfixed }: Policy,
): Finding {
  const risk = valid.find((one) => matches(one, finding));
  if (risk !== undefined) return { ...finding, accepted: `${risk.reason} (until ${risk.expires})` };
  const isUnfixed = finding.kind === "vulnerability" && finding.fixed === undefined;
  return ignoreUnfixed && isUnfixed ? { ...finding, accepted: unfixed } : finding;
}

function matches({ id, package: name }: AcceptedRisk, finding: Finding): boolean {
  return id === finding.id && name === finding.package;
}

function reaches(severity: Finding["severity"], least: Finding["severity"] | undefined): boolean {
  return least !== undefined && severities.indexOf(severity) >= severities.indexOf(least);
}

function reasonOf(failing: readonly Finding[], failOn: Policy["failOn"]): string {
  const ranked = [...failing].sort(
    (a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity),
  );
  const texts = [...new Set(ranked.map(described))];
  const more = texts.length > named ? `, and ${texts.length - named} more` : "";
  return `${failing.length === 1 ? "1 finding" : `${failing.length} findings`} of ${failOn} or above: ${texts.slice(0, named).join(", ")}${more}`;
}

function described({ id, package: name, severity, kind, fixed }: Finding): string {
  const remedy = fixed === undefined ? "no fixed version" : `fixed in ${fixed}`;
  return `${id} in ${name} (${severity}${kind === "vulnerability" ? `, ${remedy}` : ""})`;
}

function expiry({ id, package: name, expires }: AcceptedRisk): string {
  return `the accepted risk ${id} in ${name} expired on ${expires}`;
}
