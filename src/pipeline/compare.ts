import { difference, type PlatformDifference } from "../images/difference.ts";
import { changesOf } from "../models/changes.ts";
import type { Lock } from "../models/lock.ts";
import { packageChanges, vulnerabilityChanges } from "../report/package-changes.ts";
import type { Changes, PlatformChanges } from "../results/changes.ts";
import type { Finding } from "../results/finding.ts";
import type { Installed } from "../results/installed.ts";
import type { ReadImage } from "./read-image.ts";

/** What a scan saw of one platform; undefined parts were not looked at, or an older version wrote the result. */
export interface PlatformScan {
  readonly platform: string;
  readonly findings?: readonly Finding[] | undefined;
  readonly installed?: readonly Installed[] | undefined;
}

export interface Compared extends ReadImage {
  /** How it was named: `latest@sha256:…`. */
  readonly name: string;
  readonly scans: readonly PlatformScan[];
}

/** What an operator who has the old image gets by the new one: from manifests, locks and scans. Pure. */
export function compare(old: Compared, now: Compared, notes: readonly string[] = []): Changes {
  const { unchanged, platforms, gone } = difference(old.image, now.image);
  const models = modelChanges(old.lock, now.lock);
  const told = platforms.map((one) => ({
    ...platformChanges(one),
    ...scanChanges(scanOf(old, one.platform), scanOf(now, one.platform)),
  }));
  const unknown = told.filter(({ from, packages }) => from !== undefined && packages === undefined);
  return {
    changed: !unchanged,
    since: old.name,
    why: unchanged ? `nothing changed since ${old.name}` : `changed since ${old.name}`,
    platforms: told,
    gone,
    ...(models === undefined ? {} : { models }),
    notes: [
      ...notes,
      ...(unknown.length === 0 || unchanged
        ? []
        : [
            `packages and vulnerabilities of ${unknown.map(({ platform }) => platform).join(", ")} are not compared: there are no scans of both images`,
          ]),
    ],
  };
}

/** What there is to say where nothing was published before. */
export function firstOf(now: Compared, why: string): Changes {
  const none = { digest: now.image.digest, platforms: [] };
  const { platforms } = difference(none, now.image);
  return { changed: true, why, platforms: platforms.map(platformChanges), gone: [], notes: [] };
}

function platformChanges(one: PlatformDifference): PlatformChanges {
  return {
    ...one,
    layers: one.layers.map((layer) => ({ ...layer })),
    gone: one.gone.map((layer) => ({ ...layer })),
    config: one.config.map((field) => ({ ...field })),
  };
}

function scanOf({ scans }: Compared, platform: string): PlatformScan | undefined {
  return scans.find((scan) => scan.platform === platform);
}

function scanChanges(
  old: PlatformScan | undefined,
  now: PlatformScan | undefined,
): Pick<PlatformChanges, "packages" | "vulnerabilities"> {
  return {
    ...(old?.installed === undefined || now?.installed === undefined
      ? {}
      : { packages: packageChanges(old.installed, now.installed) }),
    ...(old?.findings === undefined || now?.findings === undefined
      ? {}
      : { vulnerabilities: vulnerabilityChanges(old.findings, now.findings) }),
  };
}

function modelChanges(old: Lock | undefined, now: Lock | undefined): Changes["models"] | undefined {
  if (old === undefined || now === undefined) return undefined;
  const { revisions, files } = changesOf(old, now);
  const deliveries = now.models.flatMap(({ name, delivery }) => {
    const was = old.models.find((model) => model.name === name)?.delivery;
    return was === undefined || was === delivery ? [] : [{ model: name, from: was, to: delivery }];
  });
  return { revisions, deliveries, files: files.map((file) => ({ ...file })) };
}
