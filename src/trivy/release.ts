import { UsageError } from "../errors.ts";
import { type Digest, isDigest } from "../images/digest.ts";

/** The machine that the program is for, in Node's words: `linux`, `x64`. */
export interface Machine {
  readonly os: string;
  readonly architecture: string;
}

/** A release's archive, with its signature beside it. */
export interface Release {
  readonly version: string;
  readonly archive: URL;
  readonly bundle: URL;
  /** Where the caller brought it. */
  readonly digest: Digest | undefined;
}

const systems: Readonly<Record<string, string>> = { linux: "Linux", darwin: "macOS" };
const processors: Readonly<Record<string, string>> = { x64: "64bit", arm64: "ARM64" };

/** The version alone of `0.74.0`, `v0.74.0` or `0.74.0@sha256:…`; a UsageError for anything else. */
export function versionIn(text: string): {
  readonly version: string;
  readonly digest: Digest | undefined;
} {
  const [version = "", digest, ...rest] = text.replace(/^v/, "").split("@");
  const isOne = /^\d+\.\d+\.\d+$/.test(version) && rest.length === 0;
  if (!isOne || (digest !== undefined && !isDigest(digest)))
    throw new UsageError(
      `trivy-version: "${text}" is not a version such as 0.74.0, or 0.74.0@sha256:… with its archive's checksum.`,
    );
  return { version, digest };
}

/** The files of a release for a machine; `mirror` stands for `https://github.com`. */
export function trivyRelease(
  text: string,
  { os, architecture }: Machine,
  mirror = "https://github.com",
): Release {
  const { version, digest } = versionIn(text);
  const [system, processor] = [systems[os], processors[architecture]];
  if (system === undefined || processor === undefined)
    throw new UsageError(`There is no Trivy to install for ${os}-${architecture}.`, {
      todo: `Put trivy ${version} on the PATH.`,
    });
  const folder = `${mirror.replace(/\/+$/, "")}/aquasecurity/trivy/releases/download/v${version}`;
  const archive = `${folder}/trivy_${version}_${system}-${processor}.tar.gz`;
  return {
    version,
    digest,
    archive: new URL(archive),
    bundle: new URL(`${archive}.sigstore.json`),
  };
}
