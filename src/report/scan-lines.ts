import { type Finding, severities } from "../results/finding.ts";
import type { ScanResult } from "../results/stages.ts";

/** What a person at a terminal wants to know of a scan: the worst first, the verdict last. */
export function scanLines(scan: ScanResult): readonly string[] {
  const { verdict, reason, platforms, scanner, database, outdated = [] } = scan;
  return [
    ...platforms.flatMap(({ platform, os, packages, findings = [], blindSpots = [] }) => [
      `${platform}  ${os ?? "no operating system"}, ${packages ?? 0} packages, ${countsOf(findings)}`,
      ...blindSpots.map(({ name, reason: why }) => `  ${name}: ${why}`),
      ...worstFirst(findings).map((finding) => `  ${lineOf(finding)}`),
    ]),
    ...(scanner === undefined ? [] : [`Scanner    Trivy ${scanner.version} (${scanner.path})`]),
    ...(database === undefined ? [] : [`Database   ${database.updatedAt}, ${database.source}`]),
    ...(outdated.length === 0
      ? []
      : [
          `Outdated   ${outdated.map(({ package: name, fixed }) => `${name} (${fixed})`).join(", ")}`,
        ]),
    ...riskLines(scan),
    `${verdict}${reason === undefined ? "" : ` (${reason})`}`,
  ];
}

/** `2 CRITICAL, 1 LOW`; accepted ones are counted, too. */
export function countsOf(findings: readonly Finding[]): string {
  const counts = severities
    .map(
      (severity) => [severity, findings.filter((one) => one.severity === severity).length] as const,
    )
    .filter(([, count]) => count > 0)
    .toReversed();
  return counts.length === 0
    ? "nothing found"
    : counts.map(([severity, count]) => `${count} ${severity}`).join(", ");
}

export function worstFirst(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort(
    (a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity),
  );
}

function lineOf({
  severity,
  id,
  package: name,
  installed,
  fixed,
  kind,
  accepted,
}: Finding): string {
  const remedy =
    kind === "vulnerability"
      ? `, ${fixed === undefined ? "no fixed version" : `fixed in ${fixed}`}`
      : "";
  const why = accepted === undefined ? "" : `; accepted: ${accepted}`;
  return `${severity.padEnd(8)} ${id}  ${name}${installed === "" ? "" : ` ${installed}`}${remedy}${why}`;
}

/** Accepted risks that want a look: unused ones can go, expired ones fail the scan. */
export function riskLines({ risks }: ScanResult): readonly string[] {
  const names = (entries: readonly { readonly id: string; readonly package: string }[]) =>
    entries.map(({ id, package: name }) => `${id} in ${name}`).join(", ");
  const { unused = [], expired = [] } = risks ?? {};
  return [
    ...(unused.length === 0 ? [] : [`Accepted risks that nothing needs: ${names(unused)}`]),
    ...(expired.length === 0 ? [] : [`Accepted risks that expired: ${names(expired)}`]),
  ];
}
