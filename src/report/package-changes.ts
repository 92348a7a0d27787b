import type { PlatformChanges } from "../results/changes.ts";
import type { Finding } from "../results/finding.ts";
import type { Installed } from "../results/installed.ts";
import { worstFirst } from "./scan-lines.ts";

type PackageChange = NonNullable<PlatformChanges["packages"]>[number];
type Vulnerabilities = NonNullable<PlatformChanges["vulnerabilities"]>;

/** Packages that came, went or have another version, by name. Pure. */
export function packageChanges(
  old: readonly Installed[],
  now: readonly Installed[],
): readonly PackageChange[] {
  const [before, after] = [byName(old), byName(now)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .flatMap((key): readonly PackageChange[] => {
      const [was, is] = [before.get(key), after.get(key)];
      const { package: name, ecosystem } = (is ?? was) as Entry;
      const [from, to] = [was, is].map((entry) =>
        entry === undefined ? undefined : [...entry.versions].sort().join(", "),
      );
      if (from === to) return [];
      return [
        {
          ...{ package: name, ecosystem },
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
        },
      ];
    });
}

interface Entry {
  readonly package: string;
  readonly ecosystem: string;
  readonly versions: Set<string>;
}

/** A package may be there in several versions. */
function byName(installed: readonly Installed[]): ReadonlyMap<string, Entry> {
  const found = new Map<string, Entry>();
  for (const { package: name, version, ecosystem } of installed) {
    const key = `${name}\n${ecosystem}`;
    const entry = found.get(key) ?? { package: name, ecosystem, versions: new Set() };
    found.set(key, entry);
    entry.versions.add(version);
  }
  return found;
}

/** Vulnerabilities that only one of two looks has, the worst first; one that is in several packages counts in each. Pure. */
export function vulnerabilityChanges(
  old: readonly Finding[],
  now: readonly Finding[],
): Vulnerabilities {
  const [before, after] = [byPlace(old), byPlace(now)];
  const only = (some: ReadonlyMap<string, Finding>, others: ReadonlyMap<string, Finding>) =>
    worstFirst([...some].filter(([key]) => !others.has(key)).map(([, finding]) => finding)).map(
      told,
    );
  return {
    fixed: only(before, after),
    new: only(after, before),
    left: [...after.keys()].filter((key) => before.has(key)).length,
  };
}

function byPlace(findings: readonly Finding[]): ReadonlyMap<string, Finding> {
  return new Map(
    findings
      .filter(({ kind }) => kind === "vulnerability")
      .map((finding) => [`${finding.id}\n${finding.package}`, finding]),
  );
}

function told({ id, package: name, severity, installed, fixed }: Finding) {
  return { id, package: name, severity, installed, ...(fixed === undefined ? {} : { fixed }) };
}
