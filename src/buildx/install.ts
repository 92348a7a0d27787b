import { createHash } from "node:crypto";
import { join } from "node:path";
import { IntegrityError, RemoteError } from "../errors.ts";
import { digestOf } from "../images/digest.ts";
import type { Fetch, HttpResponse } from "../ports/fetch.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { ToolCache } from "../ports/tool-cache.ts";
import type { Asset } from "./release.ts";

export interface InstallPorts {
  readonly fetch: Fetch;
  readonly files: Pick<Files, "mkdtemp" | "open" | "chmod" | "readFile" | "rm">;
  readonly tools: ToolCache;
  readonly log: Pick<Log, "info">;
}

/** The path of the plug-in: from the tool cache, else downloaded, checked, and only then made executable and kept. */
export async function installBuildx(
  { version, url, digest }: Asset,
  scratch: string,
  { fetch, files, tools, log }: InstallPorts,
): Promise<string> {
  const name = "docker-buildx";
  const known = await tools.find(name, version);
  if (known !== undefined && digestOf(await files.readFile(join(known, name))) === digest)
    return join(known, name);
  log.info(`Fetching buildx ${version} from ${url}`);
  const folder = await files.mkdtemp(join(scratch, "buildx-"));
  try {
    const path = join(folder, name);
    const found = await download(await get(fetch, url), path, files);
    if (found !== digest)
      throw new IntegrityError(`${url}: its bytes have ${found}, wanted ${digest}.`, {
        todo: "Nothing was installed. A mirror may have another file under this name; a version other than the pinned one needs its own checksum.",
      });
    await files.chmod(path, 0o755);
    return join(await tools.keep(folder, name, version), name);
  } finally {
    await files.rm(folder, { recursive: true, force: true });
  }
}

async function download(
  { body }: HttpResponse,
  path: string,
  files: Pick<Files, "open">,
): Promise<string> {
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
async function get(fetch: Fetch, url: URL, redirects = 5): Promise<HttpResponse> {
  const response = await fetch({ method: "GET", url });
  const { status, headers } = response;
  if (status === 200) return response;
  await response.discard();
  const location = headers["location"];
  if (status < 300 || status >= 400 || location === undefined)
    throw new RemoteError(`GET ${url}: status ${status}.`, {
      todo: "In a closed network, give a mirror of github.com by download-mirror, or put docker-buildx on the machine.",
    });
  const next = new URL(location, url);
  if (redirects === 0 || (url.protocol === "https:" && next.protocol !== "https:"))
    throw new RemoteError(`GET ${url}: redirected to ${next.origin}, which is not followed.`);
  return get(fetch, next, redirects - 1);
}
