import type { ScanResult } from "../results/stages.ts";
import { type Alert, alertsOf, fingerprint } from "./alert.ts";
import { type LayerLine, layerLines } from "./layer-line.ts";
import { type Rule, rulesOf } from "./rule.ts";
import { levelOf } from "./severity.ts";
import { messageText, plain } from "./text.ts";

interface Source {
  readonly url: string;
  /** The commit that was built. */
  readonly revision: string;
  /** The event's commit, where another one was built: a scheduled rebuild of a release. */
  readonly event?: string;
}

/** What was scanned, and where its alerts belong. */
export interface Subject {
  /** Repository of the image, without tag or digest. */
  readonly image: string;
  readonly dockerfile: {
    /** From the repository's root. */
    readonly path: string;
    /** Undefined where the file is none of the repository's: all alerts are at its first line then. */
    readonly text: string | undefined;
    readonly target: string | undefined;
  };
  /** The repository's page and its commits. */
  readonly source: Source | undefined;
  /** Whether another commit was built than the branch's, for which the alerts are shown. */
  readonly rebuild?: boolean;
}

export interface SarifDocument {
  readonly $schema: string;
  readonly version: "2.1.0";
  readonly runs: readonly SarifRun[];
}

type SarifRun = ReturnType<typeof runOf>;
type Scanned = ScanResult["platforms"][number];

/** GitHub's limits on an upload. It keeps no more than 5,000 results of a run, and refuses more than 25,000. */
export const limits = { runs: 20, results: 5000, gzipBytes: 10_000_000 };

/**
 * SARIF 2.1.0 with one run for each platform that was read, its `most` most severe alerts first. A platform that was not read has no run:
 * an empty one would close all its alerts. Accepted findings are left out, since code scanning opens alerts for suppressed results too.
 * The same result gives the same bytes. Pure.
 */
export function sarifDocument(
  result: ScanResult,
  subject: Subject,
  most = limits.results,
): SarifDocument {
  const read = result.platforms.filter(wasRead).slice(0, limits.runs);
  const alerts = read.map(({ findings }) => alertsOf(findings ?? []));
  const rules = rulesOf(alerts.flat());
  const { text = "", target } = subject.dockerfile;
  const about = { result, subject, rules, lineOf: layerLines(text, target), most };
  return {
    $schema:
      "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: read.map((platform, at) => runOf(platform, alerts[at] ?? [], about)),
  };
}

/** Whether a platform's findings are all known, none included: what the scan could not see is no weakness that is gone. */
export function wasRead({ findings, blindSpots }: Scanned): boolean {
  return findings !== undefined && blindSpots?.length === 0;
}

interface About {
  readonly result: ScanResult;
  readonly subject: Subject;
  readonly rules: ReadonlyMap<string, Rule>;
  readonly lineOf: LayerLine;
  readonly most: number;
}

function runOf(platform: Scanned, alerts: readonly Alert[], about: About) {
  const { result, subject, most } = about;
  const { scanner, database } = result;
  const kept = alerts.slice(0, most);
  const ids = [...new Set(kept.map(({ id }) => id))];
  const index = new Map(ids.map((id, at) => [id, at]));
  return {
    tool: {
      driver: {
        name: "Trivy",
        informationUri: "https://github.com/aquasecurity/trivy",
        ...(scanner === undefined ? {} : { version: scanner.version }),
        rules: ids.flatMap((id) => about.rules.get(id) ?? []),
      },
    },
    automationDetails: { id: category(subject, platform.platform) },
    ...provenance(subject.source),
    columnKind: "utf16CodeUnits",
    invocations: [
      { executionSuccessful: true, toolExecutionNotifications: notes(platform, alerts, kept) },
    ],
    results: kept.map((alert) => resultOf(alert, index.get(alert.id) ?? 0, platform, about)),
    properties: {
      ...{ image: subject.image, platform: platform.platform, digest: platform.digest },
      ...(platform.os === undefined ? {} : { os: platform.os }),
      ...(database === undefined ? {} : { database: database.updatedAt }),
    },
  };
}

/**
 * Code scanning holds one analysis for each category: a rebuild of a release has one of its own, so that it does not replace the branch's.
 * The `/` at its end keeps GitHub from taking the last part for a run's name.
 */
export function category(
  { image, rebuild = false }: Pick<Subject, "image" | "rebuild">,
  platform: string,
): string {
  return `${image}/${platform}/${rebuild ? "rebuild/" : ""}`;
}

function provenance(source: Subject["source"]) {
  if (source === undefined || !URL.canParse(source.url)) return {};
  const { url, revision, event } = source;
  const properties = event === undefined ? {} : { properties: { event } };
  return {
    versionControlProvenance: [{ repositoryUri: url, revisionId: revision, ...properties }],
  };
}

function notes({ findings = [] }: Scanned, alerts: readonly Alert[], kept: readonly Alert[]) {
  const accepted = findings.filter((finding) => finding.accepted !== undefined).length;
  const note = (level: "warning" | "note", text: string) => ({ level, message: { text } });
  return [
    ...(kept.length < alerts.length
      ? [
          note(
            "warning",
            `Only the ${kept.length} most severe of ${alerts.length} alerts are here.`,
          ),
        ]
      : []),
    ...(accepted > 0 ? [note("note", `Accepted findings, which are not here: ${accepted}.`)] : []),
  ];
}

function resultOf(alert: Alert, ruleIndex: number, { platform }: Scanned, about: About) {
  const { subject, lineOf } = about;
  const entry = alert.createdBy.find((one) => lineOf(one) !== undefined) ?? alert.createdBy[0];
  const texts = subject.dockerfile.text?.split(/\r?\n/) ?? [];
  const built = alert.lines.find((one) => one <= texts.length);
  const line = built ?? (entry === undefined ? undefined : lineOf(entry)) ?? 1;
  const length = texts[line - 1]?.length ?? 0;
  const brought = entry === undefined ? "" : ` Its layer: ${plain(entry, 200)}`;
  const where = `In ${subject.image} for ${platform}.${brought}`;
  return {
    ruleId: alert.id,
    ruleIndex,
    level: levelOf(alert.severity),
    message: { text: messageText(`${sentence(alert)} ${where}`) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(subject.dockerfile.path) },
          region: { startLine: line, startColumn: 1, endLine: line, endColumn: length + 1 },
        },
        logicalLocations: [{ name: plain(alert.package, 200), kind: "package" }],
      },
    ],
    // The one that code scanning goes by; `:1` is CodeQL's form, the first of its kind in the file.
    partialFingerprints: { primaryLocationLineHash: `${fingerprint(alert)}:1` },
    properties: { severity: alert.severity, installed: alert.installed, fixed: alert.fixed },
  };
}

function sentence({ kind, id, severity, installed, fixed, title, ...alert }: Alert): string {
  const name = plain(alert.package, 200);
  if (kind === "secret") return `${name} holds a secret (${id}, ${severity}).`;
  if (kind === "misconfiguration") return `${name}: ${plain(title ?? id, 200)} (${severity}).`;
  const versions = plain([name, installed.join(", ")].join(" "), 300);
  const fix = fixed.length === 0 ? "there is no fix yet" : `fixed in ${fixed.join(", ")}`;
  return `${versions} has ${id} (${severity}), ${plain(fix, 200)}.`;
}

/** A path as a relative address. */
function uriOf(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
