import { createHash } from "node:crypto";
import { type Finding, severities } from "../results/finding.ts";

type Severity = Finding["severity"];

/** What one alert of code scanning is: one weakness of one package, however often and in whichever versions it is there. */
export interface Alert {
  readonly kind: Finding["kind"];
  readonly id: string;
  readonly package: string;
  /** The worst that is said of it. */
  readonly severity: Severity;
  readonly score: number | undefined;
  readonly installed: readonly string[];
  /** First versions without it, where there are some. */
  readonly fixed: readonly string[];
  readonly title: string | undefined;
  readonly references: readonly string[];
  /** What the history says of the layers that brought it. */
  readonly createdBy: readonly string[];
  /** Lines of the Dockerfile that made those layers, where the build said so. */
  readonly lines: readonly number[];
}

/** One alert for each weakness and package, the most severe first; a finding that was accepted makes none. */
export function alertsOf(findings: readonly Finding[]): readonly Alert[] {
  const alerts = new Map<string, Alert>();
  for (const finding of findings.filter(({ accepted }) => accepted === undefined)) {
    const key = identity(finding);
    alerts.set(key, both(alerts.get(key), alertOf(finding)));
  }
  return [...alerts.values()].sort(bySeverity);
}

/**
 * The same for a weakness of a package in every build, image and platform, whichever version has it: a version that is still weak is no
 * new alert. Another scheme would close every alert and open it anew, so this one bears a number.
 */
export function fingerprint(alert: Pick<Alert, "kind" | "id" | "package">): string {
  return createHash("sha256")
    .update(`1\0${identity(alert)}`)
    .digest("hex");
}

function identity({ kind, id, package: name }: Pick<Alert, "kind" | "id" | "package">): string {
  return [kind, id, name].join("\0");
}

function alertOf(finding: Finding): Alert {
  const { kind, id, package: name, severity, score, title, references = [] } = finding;
  return {
    ...{ kind, id, package: name, severity, score, title, references },
    installed: listed(finding.installed),
    fixed: listed(finding.fixed),
    createdBy: listed(finding.layer?.createdBy),
    lines: finding.layer?.line === undefined ? [] : [finding.layer.line],
  };
}

const listed = (value: string | undefined) => (value === undefined || value === "" ? [] : [value]);

function both(one: Alert | undefined, other: Alert): Alert {
  if (one === undefined) return other;
  return {
    ...one,
    severity: worst([one.severity, other.severity]),
    score: highest([one.score, other.score]),
    installed: union(one.installed, other.installed).sort(),
    fixed: union(one.fixed, other.fixed).sort(),
    title: one.title ?? other.title,
    references: union(one.references, other.references),
    createdBy: union(one.createdBy, other.createdBy).sort(),
    lines: union(one.lines, other.lines).sort((a, b) => a - b),
  };
}

const union = <T>(one: readonly T[], other: readonly T[]) => [...new Set([...one, ...other])];

export function worst(all: readonly Severity[]): Severity {
  return (
    severities[Math.max(0, ...all.map((severity) => severities.indexOf(severity)))] ?? "UNKNOWN"
  );
}

export function highest(scores: readonly (number | undefined)[]): number | undefined {
  const known = scores.filter((score) => score !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** By severity, score, name; never by the order in which the scanner happened to find them. */
function bySeverity(one: Alert, other: Alert): number {
  return (
    severities.indexOf(other.severity) - severities.indexOf(one.severity) ||
    (other.score ?? 0) - (one.score ?? 0) ||
    byText(one.id, other.id) ||
    byText(one.package, other.package)
  );
}

const byText = (one: string, other: string) => (one < other ? -1 : Number(one > other));
