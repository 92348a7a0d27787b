import { delimiter, join } from "node:path";
import { CommandError } from "../errors.ts";
import type { Files } from "../ports/files.ts";
import { type InstallPorts, installTrivy } from "./install.ts";
import { type ProgramPorts, type Trivy, versionOf } from "./program.ts";
import { type Machine, trivyRelease, versionIn } from "./release.ts";

export interface FindRequest {
  /** `0.74.0`, or `0.74.0@sha256:…`: then the machine's own will not do. */
  readonly version: string;
  readonly downloadMirror: string | undefined;
  readonly machine: Machine;
  readonly scratch: string;
}

export interface FindPorts extends Omit<InstallPorts, "files"> {
  readonly files: InstallPorts["files"] & ProgramPorts["files"] & Pick<Files, "access">;
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The Trivy of the wanted version: this machine's, else the release's, whose signature is checked. */
export async function findTrivy(request: FindRequest, ports: FindPorts): Promise<Trivy> {
  const { scratch, machine, downloadMirror } = request;
  const { version, digest } = versionIn(request.version);
  const found = digest === undefined ? await onPath(version, scratch, ports) : undefined;
  if (found !== undefined) return { path: found, version };
  const release = trivyRelease(request.version, machine, downloadMirror);
  const path = await installTrivy(release, scratch, ports);
  const says = await versionOf(path, scratch, ports);
  if (says !== version)
    throw new CommandError(`${release.archive} has Trivy ${says}, not ${version}.`);
  return { path, version };
}

async function onPath(
  version: string,
  scratch: string,
  ports: FindPorts,
): Promise<string | undefined> {
  for (const folder of (ports.env["PATH"] ?? "").split(delimiter).filter((one) => one !== "")) {
    const path = join(folder, "trivy");
    const isThere = await ports.files.access(path).then(
      () => true,
      () => false,
    );
    if (isThere && (await versionOf(path, scratch, ports)) === version) return path;
  }
  return undefined;
}
