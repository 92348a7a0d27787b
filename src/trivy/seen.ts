import type { HistoryEntry } from "../images/added-layers.ts";
import type { Digest } from "../images/digest.ts";
import type { Finding } from "../results/finding.ts";
import type { Installed } from "../results/installed.ts";
import type { TrivyReport, TrivyResult } from "./report.ts";

/** What Trivy saw in one platform's image. */
export interface Seen {
  readonly os:
    | { readonly family: string; readonly name: string; readonly endOfLife: boolean }
    | undefined;
  /** Whether there are packages of a distribution that Trivy does not know: it calls that one `none`, and looks up nothing. */
  readonly strangePackages: boolean;
  readonly osPackages: number;
  readonly packages: number;
  readonly installed: readonly Installed[];
  readonly findings: readonly Finding[];
  /** Packages of the operating system for which the database knows a fixed version. */
  readonly outdated: readonly Outdated[];
  readonly licenses: readonly License[];
}

interface Outdated {
  readonly package: string;
  readonly installed: string;
  readonly fixed: string;
}

interface License {
  readonly name: string;
  readonly packages: readonly string[];
}

/** How the image's config tells of its layers. */
export interface Layers {
  /** Of the Dockerfile, by diff_id, where the build said so. */
  readonly lines?: ReadonlyMap<Digest, number>;
  readonly rootfs: { readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
}

/** A report in the words of the results. `target` is what Trivy was told to scan, which stands for the image's own config. Pure. */
export function seenIn(
  { Metadata: { OS }, Results }: TrivyReport,
  config: Layers,
  target: string,
): Seen {
  const results = Results ?? [];
  const count = (found: readonly TrivyResult[]) =>
    found.reduce((sum, { Packages }) => sum + Packages.length, 0);
  const layerOf = layersBy(config);
  const isKnown = OS && OS.Family !== "" && OS.Family !== "none";
  return {
    os: isKnown ? { family: OS.Family, name: OS.Name, endOfLife: OS.EOSL } : undefined,
    strangePackages: OS?.Family === "none",
    osPackages: count(results.filter(isOs)),
    packages: count(results),
    installed: results.flatMap(installedIn),
    findings: results.flatMap((result) => findingsIn(result, layerOf, target)),
    outdated: outdatedIn(results.filter(isOs)),
    licenses: licensesIn(results),
  };
}

function installedIn({ Type, Packages }: TrivyResult): readonly Installed[] {
  return Packages.map(({ Name, Version, Release, Epoch }) => ({
    package: Name,
    version: `${Epoch === 0 ? "" : `${Epoch}:`}${Version}${Release === "" ? "" : `-${Release}`}`,
    ecosystem: Type ?? "",
  }));
}

function isOs({ Class }: TrivyResult): boolean {
  return Class === "os-pkgs";
}

type LayerOf = (layer: { readonly DiffID?: Digest | undefined } | null | undefined) => {
  layer?: { diffId: Digest; createdBy?: string; line?: number };
};

/** A layer's diff_id with the history's entry and the Dockerfile's line that made it. */
function layersBy({ rootfs, history = [], lines }: Layers): LayerOf {
  const made = history.filter(({ empty_layer }) => empty_layer !== true);
  const counts = made.length === rootfs.diff_ids.length;
  return (layer) => {
    const diffId = layer?.DiffID;
    if (diffId === undefined) return {};
    const createdBy = counts ? made[rootfs.diff_ids.indexOf(diffId)]?.created_by : undefined;
    const line = lines?.get(diffId);
    return {
      layer: {
        diffId,
        ...(createdBy === undefined ? {} : { createdBy }),
        ...(line === undefined ? {} : { line }),
      },
    };
  };
}

function findingsIn(result: TrivyResult, layerOf: LayerOf, target: string): readonly Finding[] {
  const { Type, Vulnerabilities, Misconfigurations, Secrets } = result;
  const place =
    result.Target === target || result.Target.startsWith(`${target} (`)
      ? "image configuration"
      : result.Target;
  return [
    ...Vulnerabilities.map(
      (found): Finding => ({
        kind: "vulnerability",
        id: found.VulnerabilityID,
        package: found.PkgName,
        severity: found.Severity,
        installed: found.InstalledVersion,
        ...(found.FixedVersion ? { fixed: found.FixedVersion } : {}),
        ...titled(found.Title),
        references: [...new Set([found.PrimaryURL, ...found.References].filter(isThere))],
        ...scored(Object.values(found.CVSS)),
        ...layerOf(found.Layer),
        ecosystem: Type ?? "",
        ...(found.PkgPath ? { path: found.PkgPath } : {}),
      }),
    ),
    ...Misconfigurations.filter(({ Status }) => Status === "FAIL").map(
      (found): Finding => ({
        ...{ kind: "misconfiguration", id: found.ID, package: place, severity: found.Severity },
        installed: "",
        ...titled(found.Title ?? found.Message),
        references: found.References,
        ...layerOf(found.Layer),
      }),
    ),
    ...Secrets.map(
      (found): Finding => ({
        ...{ kind: "secret", id: found.RuleID, package: place, severity: found.Severity },
        installed: "",
        ...titled(found.Title),
        ...layerOf(found.Layer),
        ...(found.StartLine === undefined ? {} : { line: found.StartLine }),
      }),
    ),
  ];
}

function titled(title: string | undefined): { title?: string } {
  return title ? { title } : {};
}

function isThere(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}

function scored(
  scores: readonly {
    readonly V2Score?: number | undefined;
    readonly V3Score?: number | undefined;
    readonly V40Score?: number | undefined;
  }[],
): { score?: number } {
  const all = scores.flatMap(({ V2Score, V3Score, V40Score }) => [
    V40Score ?? V3Score ?? V2Score ?? 0,
  ]);
  const highest = Math.max(0, ...all);
  return highest === 0 ? {} : { score: highest };
}

/** One line a package: the version that the last of its findings wants. */
function outdatedIn(results: readonly TrivyResult[]): readonly Outdated[] {
  const found = new Map<string, Outdated>();
  for (const { PkgName, InstalledVersion, FixedVersion } of results.flatMap(
    ({ Vulnerabilities }) => Vulnerabilities,
  ))
    if (FixedVersion)
      found.set(PkgName, { package: PkgName, installed: InstalledVersion, fixed: FixedVersion });
  return [...found.values()];
}

function licensesIn(results: readonly TrivyResult[]): readonly License[] {
  const found = new Map<string, Set<string>>();
  for (const { Name, Licenses } of results.flatMap(({ Packages }) => Packages))
    for (const license of Licenses.length > 0 ? Licenses : ["(none stated)"])
      found.set(license, (found.get(license) ?? new Set()).add(Name));
  return [...found]
    .map(([name, packages]) => ({ name, packages: [...packages].sort() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
