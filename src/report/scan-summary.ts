import type { Finding } from "../results/finding.ts";
import type { Results, ScanResult } from "../results/stages.ts";
import { cell, code, table } from "./markdown.ts";
import { countsOf, riskLines, worstFirst } from "./scan-lines.ts";

type Scanned = ScanResult["platforms"][number];

/** Rows of a platform's table: a job summary takes 1 MiB, and nobody reads a thousand. */
const most = 50;

/** Each scan: what it could not see, what was found by severity, and what a rebuild would bring. */
export function scanSummary({ scan }: Pick<Results, "scan">): string {
  return scan.map(oneScan).join("\n\n");
}

function oneScan(scan: ScanResult): string {
  const { verdict, reason, platforms, scanner, database, outdated = [] } = scan;
  const where = platforms.map(({ platform }) => platform).join(", ");
  const parts = [
    `### Scan of ${where}: ${verdict}`,
    reason === undefined ? "" : `${cell(reason)}.`,
    scanner === undefined || database === undefined
      ? ""
      : `Trivy ${cell(scanner.version)}, database of ${cell(database.updatedAt)} (${code(database.source)}).`,
    ...platforms.map(onePlatform),
    outdated.length === 0
      ? ""
      : `<details><summary>Outdated packages of the operating system: ${outdated.length}</summary>\n\n${table(
          ["Package", "Installed", "Fixed in"],
          outdated.map(({ package: name, installed, fixed }) => [
            code(name),
            cell(installed),
            cell(fixed),
          ]),
        )}\n\n</details>`,
    ...riskLines(scan).map((line) => `${cell(line)}.`),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function onePlatform({ platform, os, packages, findings = [], blindSpots = [] }: Scanned): string {
  const head = `**${platform}**: ${cell(os ?? "no operating system")}, ${packages ?? 0} packages, ${countsOf(findings)}.`;
  const spots = blindSpots.map(({ name, reason }) => `> **${cell(name)}**: ${cell(reason)}`);
  const shown = worstFirst(findings).slice(0, most);
  const left = findings.length - shown.length;
  const rows =
    shown.length === 0
      ? ""
      : table(
          ["Severity", "Finding", "Package", "Fixed in", "Layer", "Brought by", "Accepted"],
          shown.map(findingRow),
        );
  const more = left === 0 ? "" : `${left} more are in scan.json.`;
  return [head, spots.join("\n>\n"), rows, more].filter((part) => part !== "").join("\n\n");
}

function findingRow(finding: Finding): readonly string[] {
  const { severity, id, package: name, installed, fixed, accepted, kind, layer } = finding;
  const [link] = finding.references ?? [];
  const isLink = link !== undefined && /^https:\/\/[\w.~:/?#@!$&'*+,;=%-]+$/.test(link);
  return [
    severity,
    isLink ? `[${cell(id)}](${link})` : cell(id),
    cell(`${name} ${installed}`.trim()),
    kind === "vulnerability" ? cell(fixed ?? "(none yet)") : "",
    layer?.diffId === undefined ? "" : code(layer.diffId.slice("sha256:".length, 19)),
    layer?.createdBy === undefined ? "" : code(lineOf(layer.createdBy)),
    cell(accepted ?? ""),
  ];
}

/** A history's entry as the Dockerfile has it, without what BuildKit adds; long ones are cut. */
function lineOf(createdBy: string): string {
  const line = createdBy
    .replace(/^RUN (\|\d+ .*?)?\/bin\/sh -c /, "RUN ")
    .replace(/ # buildkit$/, "")
    .replaceAll(/\s+/g, " ");
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
