import { createHash } from "node:crypto";
import { RemoteError } from "./errors.ts";
import type { Digest } from "./images/digest.ts";
import type { Fetch, HttpResponse } from "./ports/fetch.ts";
import type { Files } from "./ports/files.ts";

export interface DownloadPorts {
  readonly fetch: Fetch;
  readonly files: Pick<Files, "open">;
}

/** Writes what is behind an address to a new file, and gives the digest of its bytes; `todo` is for whoever cannot reach it. */
export async function download(
  url: URL,
  path: string,
  { fetch, files }: DownloadPorts,
  todo: string,
): Promise<Digest> {
  const { body } = await get(fetch, url, todo);
  const hash = createHash("sha256");
  const file = await files.open(path, "wx", 0o600);
  try {
    for await (const piece of body) {
      hash.update(piece);
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
  return `sha256:${hash.digest("hex")}`;
}

/** Follows redirects (GitHub's release files are on a storage host), never from https to http. */
async function get(fetch: Fetch, url: URL, todo: string, redirects = 5): Promise<HttpResponse> {
  const response = await fetch({ method: "GET", url });
  const { status, headers } = response;
  if (status === 200) return response;
  await response.discard();
  const location = headers["location"];
  if (status < 300 || status >= 400 || location === undefined)
    throw new RemoteError(`GET ${url}: status ${status}.`, { todo });
  const next = new URL(location, url);
  if (redirects === 0 || (url.protocol === "https:" && next.protocol !== "https:"))
    throw new RemoteError(`GET ${url}: redirected to ${next.origin}, which is not followed.`);
  return get(fetch, next, todo, redirects - 1);
}
