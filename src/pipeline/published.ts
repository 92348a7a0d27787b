import { type Age, ageOf, isOlder } from "../images/age.ts";
import type { Digest } from "../images/digest.ts";
import { type Document, isIndex, parseIndex } from "../images/manifest.ts";
import { isTag } from "../images/reference.ts";
import type { Store } from "../ports/store.ts";
import { runtimePlatforms } from "./runtime-images.ts";
import type { PublishedRuntimes } from "./scan-images.ts";

/** The plan's tags and the main one among them. */
export interface Plan {
  readonly tags: readonly string[];
  readonly version?: string | undefined;
}

/** An image under a tag. */
export interface Tagged {
  readonly tag: string;
  readonly digest: Digest;
  /** Undefined where it does not say. */
  readonly age: Age | undefined;
}

export type Published = Tagged & { readonly document: Document };

/** The images under the plan's tags and `latest`, the main tag's first. */
export async function publishedBy(
  { tags, version }: Plan,
  store: Store,
): Promise<readonly Published[]> {
  const names = [...new Set([...(version === undefined ? [] : [version]), ...tags, "latest"])];
  const all: Published[] = [];
  for (const tag of names.filter(isTag)) {
    const document = await store.readManifest(tag);
    if (document === undefined) continue;
    const age = isIndex(document) ? ageOf(parseIndex(document).annotations) : undefined;
    all.push({ tag, digest: document.digest, age, document });
  }
  return all;
}

/**
 * The image that operators have: the newest, by commit and refresh; at a tie the first. One that does not say how old it is counts as older than
 * any that does. Pure.
 */
export function newestOf<T extends Tagged>(all: readonly T[]): T | undefined {
  return all.reduce<T | undefined>(
    (newest, one) => (newest === undefined || isNewer(one, newest) ? one : newest),
    undefined,
  );
}

function isNewer({ age }: Tagged, { age: other }: Tagged): boolean {
  return age !== undefined && (other === undefined || isOlder(other, age));
}

/** What a candidate is compared with, and where the tags go if that shows no change. */
interface Standing<T> {
  readonly since: T;
  readonly tagged: T;
}

/**
 * A candidate is compared with the newest of the other images: an earlier try may have brought some of the tags to it already. If it changes
 * nothing, the tags belong to that image; to the candidate where a tag has it and that image is no newer, so that a tag which was moved
 * does not go back. Undefined where nothing is published. Pure.
 */
export function standing<T extends Tagged>(
  all: readonly T[],
  candidate: Digest,
): Standing<T> | undefined {
  const own = all.find(({ digest }) => digest === candidate);
  const since = newestOf(all.filter(({ digest }) => digest !== candidate)) ?? own;
  if (since === undefined) return undefined;
  return { since, tagged: own === undefined || isNewer(since, own) ? since : own };
}

/** The published image's platforms among those wanted, for a scan with the candidate's own database; undefined where nothing is published. */
export async function publishedRuntimes(
  plan: Plan,
  platforms: readonly string[],
  store: Store,
): Promise<PublishedRuntimes | undefined> {
  const newest = newestOf(await publishedBy(plan, store));
  if (newest === undefined) return undefined;
  const { tag, digest } = newest;
  const all = await runtimePlatforms(digest, store);
  return { tag, digest, runtimes: all.filter(({ platform }) => platforms.includes(platform)) };
}
