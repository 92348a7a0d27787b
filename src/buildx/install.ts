import { join } from "node:path";
import { download } from "../download.ts";
import { IntegrityError } from "../errors.ts";
import { digestOf } from "../images/digest.ts";
import type { Fetch } from "../ports/fetch.ts";
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
    const todo =
      "In a closed network, give a mirror of github.com by download-mirror, or put docker-buildx on the machine.";
    const found = await download(url, path, { fetch, files }, todo);
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
