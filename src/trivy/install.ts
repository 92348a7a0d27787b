import { join } from "node:path";
import { type DownloadPorts, download } from "../download.ts";
import { CommandError, IntegrityError } from "../errors.ts";
import { digestOf } from "../images/digest.ts";
import type { Exec } from "../ports/exec.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { ToolCache } from "../ports/tool-cache.ts";
import { trustedRoot } from "../sigstore/trusted-root.ts";
import type { Release } from "./release.ts";
import { releaseIdentity, verifySignature } from "./signature.ts";

export interface InstallPorts extends DownloadPorts {
  readonly exec: Exec;
  readonly files: Pick<Files, "mkdir" | "mkdtemp" | "open" | "readFile" | "rm">;
  readonly tools: ToolCache;
  readonly log: Pick<Log, "info">;
}

const [archiveName, bundleName] = ["trivy.tar.gz", "trivy.tar.gz.sigstore.json"];

/**
 * The path of a release's program, unpacked into `scratch`: its archive is from the tool cache, else downloaded and kept there, and its
 * signature is checked each time before anything of it runs. `root` is whom Sigstore trusts.
 */
export async function installTrivy(
  release: Release,
  scratch: string,
  ports: InstallPorts,
  root: unknown = trustedRoot,
): Promise<string> {
  const { files, tools, exec } = ports;
  const known = await tools.find("trivy", release.version);
  if (known !== undefined && (await isSigned(known, release, root, ports)))
    return unpack(known, scratch, { files, exec });
  const coming = await files.mkdtemp(join(scratch, "trivy-release-"));
  try {
    await fetchInto(coming, release, ports);
    await check(coming, release, root, ports);
    await tools.keep(coming, "trivy", release.version);
    return await unpack(coming, scratch, { files, exec });
  } finally {
    await files.rm(coming, { recursive: true, force: true });
  }
}

async function fetchInto(
  folder: string,
  { version, archive, bundle }: Release,
  ports: InstallPorts,
): Promise<void> {
  const todo = `In a closed network, give a mirror of github.com by download-mirror, or put trivy ${version} on the PATH.`;
  ports.log.info(`Fetching Trivy ${version} from ${archive}`);
  await download(bundle, join(folder, bundleName), ports, todo);
  await download(archive, join(folder, archiveName), ports, todo);
}

/** What a tool cache holds may have been changed by another job of the machine: then it counts for nothing. */
async function isSigned(
  folder: string,
  release: Release,
  root: unknown,
  ports: InstallPorts,
): Promise<boolean> {
  try {
    await check(folder, release, root, ports);
    return true;
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    ports.log.info(`The Trivy in the tool cache is not used. ${error.message}`);
    return false;
  }
}

async function check(
  folder: string,
  { archive, version, digest }: Release,
  root: unknown,
  { files }: Pick<InstallPorts, "files">,
): Promise<void> {
  const bytes = await files.readFile(join(folder, archiveName));
  const found = digestOf(bytes);
  if (digest !== undefined && found !== digest)
    throw new IntegrityError(`${archive}: its bytes have ${found}, wanted ${digest}.`, {
      todo: "Nothing was installed. A mirror may have another file under this name.",
    });
  const bundle = await files.readFile(join(folder, bundleName), "utf8");
  verifySignature(archive.href, bytes, bundle, releaseIdentity(version), root);
}

async function unpack(
  folder: string,
  scratch: string,
  { files, exec }: Pick<InstallPorts, "files" | "exec">,
): Promise<string> {
  const target = join(scratch, "trivy-program");
  await files.mkdir(target, { recursive: true });
  const args = ["-xzf", join(folder, archiveName), "-C", target, "trivy"];
  const { code, stderr } = await exec("tar", args);
  if (code !== 0) throw new CommandError(`Trivy's archive could not be unpacked: ${stderr.trim()}`);
  return join(target, "trivy");
}
