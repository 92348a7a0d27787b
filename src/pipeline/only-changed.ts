import { join } from "node:path";
import { type Age, ageOf, isOlder } from "../images/age.ts";
import type { Digest } from "../images/digest.ts";
import { isIndex, parseIndex } from "../images/manifest.ts";
import { isTag } from "../images/reference.ts";
import type { Files } from "../ports/files.ts";
import type { Store } from "../ports/store.ts";
import { replaceFile } from "../replace-file.ts";
import { changesMarkdown } from "../report/changes.ts";
import type { Changes } from "../results/changes.ts";
import type { PrepareResult, ScanResult } from "../results/stages.ts";
import { compare, firstOf, type PlatformScan } from "./compare.ts";
import { readImage } from "./read-image.ts";
import { runtimePlatforms } from "./runtime-images.ts";
import type { PublishedRuntimes } from "./scan-images.ts";

interface Published {
  readonly tag: string;
  readonly digest: Digest;
  readonly age: Age | undefined;
}

/** Names of the report of what changed, in the results folder. */
export const changesFiles: readonly string[] = ["changes.json", "changes.md"];

/**
 * The image that operators have: the newest of those under the plan's tags and `latest`, by commit and refresh; at a tie the main tag's, then
 * the first in the plan's order. One that does not say how old it is counts as older than any that does.
 */
export async function newestPublished(
  { tags, version }: Pick<PrepareResult, "tags" | "version">,
  store: Store,
): Promise<Published | undefined> {
  const names = [...new Set([...(version === undefined ? [] : [version]), ...tags, "latest"])];
  let newest: Published | undefined;
  for (const tag of names.filter(isTag)) {
    const found = await publishedAt(tag, store);
    if (found !== undefined && (newest === undefined || isNewer(found, newest))) newest = found;
  }
  return newest;
}

async function publishedAt(tag: string, store: Store): Promise<Published | undefined> {
  const document = await store.readManifest(tag);
  if (document === undefined) return undefined;
  const age = isIndex(document) ? ageOf(parseIndex(document).annotations) : undefined;
  return { tag, digest: document.digest, age };
}

function isNewer({ age }: Published, { age: other }: Published): boolean {
  return age !== undefined && (other === undefined || isOlder(other, age));
}

/** The published image's platforms among those wanted, for a scan with the candidate's own database; undefined where nothing is published. */
export async function publishedRuntimes(
  plan: Pick<PrepareResult, "tags" | "version">,
  platforms: readonly string[],
  store: Store,
): Promise<PublishedRuntimes | undefined> {
  const newest = await newestPublished(plan, store);
  if (newest === undefined) return undefined;
  const { tag, digest } = newest;
  const all = await runtimePlatforms(digest, store);
  return { tag, digest, runtimes: all.filter(({ platform }) => platforms.includes(platform)) };
}

/** What the candidate changes of the image that operators have. */
export async function changesSince(
  candidate: Digest,
  plan: Pick<PrepareResult, "tags" | "version">,
  scans: readonly ScanResult[],
  store: Store,
): Promise<Changes> {
  const now = {
    ...(await readImage(candidate, store)),
    ...{ name: candidate, scans: scans.flatMap(({ platforms }) => platforms) },
  };
  const newest = await newestPublished(plan, store);
  if (newest === undefined)
    return firstOf(now, "nothing was published under the plan's tags or latest before");
  const { tag, digest } = newest;
  const looked = scannedBefore(digest, scans);
  const old = { ...(await readImage(digest, store)), name: `${tag}@${digest}`, scans: looked };
  return compare(old, now);
}

/** What the scans saw of the published image; nothing where it was another one then. */
function scannedBefore(digest: Digest, scans: readonly ScanResult[]): readonly PlatformScan[] {
  return scans.flatMap(({ published }) =>
    published?.digest === digest ? published.platforms : [],
  );
}

/** Keeps the report in the results folder, for programs and for people. */
export async function writeChanges(
  changes: Changes,
  folder: string,
  files: Pick<Files, "writeFile" | "rename" | "rm">,
): Promise<void> {
  const texts = [`${JSON.stringify(changes, null, 2)}\n`, changesMarkdown(changes)];
  for (const [at, name] of changesFiles.entries())
    await replaceFile(join(folder, name), texts[at] ?? "", files);
}
