import { join } from "node:path";
import { type Age, ageOf, isOlder } from "../images/age.ts";
import type { Digest } from "../images/digest.ts";
import { isIndex, parseIndex } from "../images/manifest.ts";
import { isTag } from "../images/reference.ts";
import type { Files } from "../ports/files.ts";
import type { Store } from "../ports/store.ts";
import { replaceFile } from "../replace-file.ts";
import { changesLines, changesMarkdown } from "../report/changes.ts";
import type { Changes } from "../results/changes.ts";
import type { PromoteResult, ScanResult } from "../results/stages.ts";
import { compare, firstOf, type PlatformScan } from "./compare.ts";
import { type PromotePorts, type Promoting, promote } from "./promote.ts";
import { readImage } from "./read-image.ts";
import { runtimePlatforms } from "./runtime-images.ts";
import type { PublishedRuntimes } from "./scan-images.ts";

/** The plan's tags and the main one among them. */
interface Plan {
  readonly tags: readonly string[];
  readonly version?: string | undefined;
}

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
  { tags, version }: Plan,
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
  plan: Plan,
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
async function changesSince(
  candidate: Digest,
  plan: Plan,
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

/** Promotes where an operator gets something by the candidate, and reports what; else no tag moves. */
export async function promoteChanged(
  promoting: Omit<Promoting, "unless">,
  version: string | undefined,
  folder: string,
  { files, ...ports }: PromotePorts & { readonly files: ChangesFiles },
): Promise<PromoteResult> {
  const { candidate, tags, scans } = promoting;
  const changes = await changesSince(candidate.digest, { tags, version }, scans, ports.store);
  await writeChanges(changes, folder, files);
  for (const line of changesLines(changes)) ports.log.info(line);
  const unless = changes.changed ? undefined : changes.why;
  const promoted: PromoteResult = await promote({ ...promoting, unless }, ports);
  return { ...promoted, changes };
}

type ChangesFiles = Pick<Files, "writeFile" | "rename" | "rm">;

/** Keeps the report in the results folder, for programs and for people. */
async function writeChanges(changes: Changes, folder: string, files: ChangesFiles): Promise<void> {
  const texts = [`${JSON.stringify(changes, null, 2)}\n`, changesMarkdown(changes)];
  for (const [at, name] of changesFiles.entries())
    await replaceFile(join(folder, name), texts[at] ?? "", files);
}
