import { distinct } from "../results/distinct.ts";
import { type Alert, highest, worst } from "./alert.ts";
import { levelOf, problemOf, securitySeverity } from "./severity.ts";
import { linkable, markdownText, plain } from "./text.ts";

/** SARIF 2.1.0, 3.49: what code scanning shows beside an alert. */
export interface Rule {
  readonly id: string;
  readonly name: string;
  readonly shortDescription: { readonly text: string };
  readonly fullDescription: { readonly text: string };
  readonly helpUri?: string;
  readonly help: { readonly text: string; readonly markdown: string };
  readonly defaultConfiguration: { readonly level: string };
  readonly properties: Readonly<Record<string, string | readonly string[]>>;
}

const names: Readonly<Record<Alert["kind"], string>> = {
  vulnerability: "Vulnerability",
  misconfiguration: "Misconfiguration",
  secret: "Secret",
};

/** More would not be read, and every rule travels with every upload. */
const [mostPackages, mostReferences] = [20, 10];

/** One rule for each weakness, from all alerts of all platforms, so that every run says the same of it. */
export function rulesOf(alerts: readonly Alert[]): ReadonlyMap<string, Rule> {
  const byId = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const same = byId.get(alert.id);
    if (same === undefined) byId.set(alert.id, [alert]);
    else same.push(alert);
  }
  return new Map([...byId].map(([id, same]) => [id, ruleOf(id, same)]));
}

function ruleOf(id: string, alerts: readonly Alert[]): Rule {
  const kind = alerts[0]?.kind ?? "vulnerability";
  const severity = worst(alerts.map((alert) => alert.severity));
  const score = highest(alerts.map((alert) => alert.score));
  const said = alerts.find(({ title }) => title !== undefined && title.trim() !== "")?.title;
  const title = plain(said ?? `${names[kind]} ${id}`, 500);
  const references = [...new Set(linkable(alerts.flatMap((alert) => alert.references)))];
  const helpUri = pageOf(id) ?? references[0];
  const shown = securitySeverity(severity, score);
  return {
    id,
    name: names[kind],
    shortDescription: { text: plain(`${id}: ${title}`, 500) },
    fullDescription: { text: title },
    ...(helpUri === undefined ? {} : { helpUri }),
    help: helpOf({ id, title, severity, score, alerts, references }),
    defaultConfiguration: { level: levelOf(severity) },
    properties: {
      ...{ tags: ["security", kind, severity.toLowerCase()], precision: "very-high" },
      "problem.severity": problemOf(severity),
      ...(shown === undefined ? {} : { "security-severity": shown }),
    },
  };
}

function pageOf(id: string): string | undefined {
  if (/^CVE-\d{4}-\d+$/.test(id)) return `https://nvd.nist.gov/vuln/detail/${id}`;
  if (/^GHSA(-[0-9a-z]{4}){3}$/.test(id)) return `https://github.com/advisories/${id}`;
  return undefined;
}

interface Help {
  readonly id: string;
  readonly title: string;
  readonly severity: Alert["severity"];
  readonly score: number | undefined;
  readonly alerts: readonly Alert[];
  readonly references: readonly string[];
}

function helpOf({ id, title, severity, score, alerts, references }: Help): Rule["help"] {
  const rows = packageRows(alerts);
  const more = rows.length > mostPackages ? [`and ${rows.length - mostPackages} more`] : [];
  const shown = rows.slice(0, mostPackages);
  const links = references.slice(0, mostReferences);
  const rating = score === undefined ? severity : `${severity}, CVSS ${score.toFixed(1)}`;
  const text = [
    `${id}: ${title}`,
    `Severity: ${rating}`,
    ...shown.map(({ name, installed, fixed }) => `${name} ${installed}: ${fixed}`),
    ...more,
    ...links,
  ];
  const cells = ({ name, installed, fixed }: Row) =>
    `| ${[name, installed, fixed].map(markdownText).join(" | ")} |`;
  const markdown = [
    `**${markdownText(id)}**: ${markdownText(title)}\n\nSeverity: ${rating}\n`,
    "| package | installed | fixed in |\n| --- | --- | --- |",
    ...shown.map(cells),
    ...more.map((words) => `\n${words}`),
    ...(links.length === 0 ? [] : ["\nReferences:\n", ...links.map((link) => `- <${link}>`)]),
  ];
  return { text: text.join("\n"), markdown: markdown.join("\n") };
}

interface Row {
  readonly name: string;
  readonly installed: string;
  readonly fixed: string;
}

/** A package that several platforms have in the same versions is one row. */
function packageRows(alerts: readonly Alert[]): readonly Row[] {
  return distinct(
    alerts.map((alert) => ({
      name: plain(alert.package, 200),
      installed: plain(alert.installed.join(", "), 200),
      fixed: alert.fixed.length === 0 ? "no fix yet" : plain(alert.fixed.join(", "), 200),
    })),
  );
}
