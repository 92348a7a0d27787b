import { join } from "node:path";
import { type Age, ageOf, isOlder } from "../images/age.ts";
import type { Digest } from "../images/digest.ts";
import { type Document, isIndex, parseIndex } from "../images/manifest.ts";
import { isTag } from "../images/reference.ts";
import type { Files } from "../ports/files.ts";
import type { Store } from "../ports/store.ts";
import { replaceFile } from "../replace-file.ts";
import { changesLines, changesMarkdown } from "../report/changes.ts";
import type { Changes } from "../results/changes.ts";
import type { PromoteResult, ScanResult } from "../results/stages.ts";
import { compare, firstOf, type PlatformScan } from "./compare.ts";
import { type Attested, type PromotePorts, type Promoting, promote } from "./promote.ts";
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

/** What the candidate changes of the image that operators have, and which that is. */
async function changesSince(
  candidate: Digest,
  plan: Plan,
  scans: readonly ScanResult[],
  store: Store,
): Promise<{ readonly changes: Changes; readonly published?: Digest }> {
  const now = {
    ...(await readImage(candidate, store)),
    ...{ name: candidate, scans: scans.flatMap(({ platforms }) => platforms) },
  };
  const newest = await newestPublished(plan, store);
  if (newest === undefined)
    return {
      changes: firstOf(now, "nothing was published under the plan's tags or latest before"),
    };
  const { tag, digest } = newest;
  const looked = scannedBefore(digest, scans);
  const old = { ...(await readImage(digest, store)), name: `${tag}@${digest}`, scans: looked };
  return { changes: compare(old, now), published: digest };
}

/** What the scans saw of the published image; nothing where it was another one then. */
function scannedBefore(digest: Digest, scans: readonly ScanResult[]): readonly PlatformScan[] {
  return scans.flatMap(({ published }) =>
    published?.digest === digest ? published.platforms : [],
  );
}

/**
 * Promotes where an operator gets something by the candidate, and reports what; else no tag moves, and what is published is said to have
 * been scanned again.
 */
export async function promoteChanged(
  promoting: Omit<Promoting, "unless">,
  version: string | undefined,
  folder: string,
  { files, attestScan, ...ports }: ChangedPorts,
): Promise<PromoteResult> {
  const { candidate, tags, scans } = promoting;
  const { store, log } = ports;
  const { changes, published } = await changesSince(
    candidate.digest,
    { tags, version },
    scans,
    store,
  );
  await writeChanges(changes, folder, files);
  for (const line of changesLines(changes)) log.info(line);
  if (changes.changed) return { ...(await promote(promoting, ports)), changes };
  const held = await promote({ ...promoting, unless: changes.why }, ports);
  const document = published === undefined ? undefined : await store.readManifest(published);
  const said = document === undefined ? {} : await attestScan(document);
  return { ...held, ...said, changes };
}

interface ChangedPorts extends PromotePorts {
  readonly files: ChangesFiles;
  /** Says of the published image what the scan saw in the same runtimes. */
  readonly attestScan: (published: Document) => Promise<Attested>;
}

type ChangesFiles = Pick<Files, "writeFile" | "rename" | "rm">;

/** Keeps the report in the results folder, for programs and for people. */
async function writeChanges(changes: Changes, folder: string, files: ChangesFiles): Promise<void> {
  const texts = [`${JSON.stringify(changes, null, 2)}\n`, changesMarkdown(changes)];
  for (const [at, name] of changesFiles.entries())
    await replaceFile(join(folder, name), texts[at] ?? "", files);
}
