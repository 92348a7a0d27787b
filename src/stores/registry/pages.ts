import { RemoteError } from "../../errors.ts";
import type { HttpResponse } from "../../ports/fetch.ts";
import { persist } from "../../retry/persist.ts";
import type { RegistryClient } from "./client.ts";

/** One answer of a list that comes in pages. */
export interface Page<T> {
  readonly entries: readonly T[];
  /** Undefined on the last one. */
  readonly next: URL | undefined;
}

const mostPages = 1000;

/**
 * A list page after page; undefined where the first answer is none. A RemoteError for one of more than `most` entries or 1,000 pages: it
 * may never end.
 */
export async function readPages<T>(
  client: RegistryClient,
  first: URL,
  read: (url: URL) => Promise<Page<T> | undefined>,
  most: number,
): Promise<readonly T[] | undefined> {
  const found: T[] = [];
  let next: URL | undefined = first;
  for (let pages = 1; next !== undefined; pages++) {
    const url: URL = next;
    const page = await persist(() => read(url), client.ports);
    if (page === undefined) return undefined;
    for (const entry of page.entries) found.push(entry);
    if (found.length > most || (page.next !== undefined && pages >= mostPages))
      throw new RemoteError(
        `${first.href}: the list does not end: ${found.length.toLocaleString("en-US")} entries on ${pages} pages; at most ${most.toLocaleString("en-US")} on ${mostPages.toLocaleString("en-US")} are read.`,
      );
    next = page.next;
  }
  return found;
}

/** The page after one with `count` entries (RFC 8288 links), of the same registry; a RemoteError where that is the very page. */
export function nextPage(
  { headers }: Pick<HttpResponse, "headers">,
  url: URL,
  count: number,
): URL | undefined {
  const link = /<([^>]+)>\s*;[^,]*\brel="?next"?/i.exec(headers["link"] ?? "")?.[1];
  if (link === undefined || count === 0 || !URL.canParse(link, url.href)) return undefined;
  const next = new URL(link, url);
  if (next.href === url.href)
    throw new RemoteError(`${url.href}: the registry names this page as the one after it.`);
  return next.origin === url.origin ? next : undefined;
}
