import { UsageError } from "../errors.ts";
import { type Digest, isDigest } from "../images/digest.ts";

/** A file of a release, and what its bytes must be. */
export interface Asset {
  readonly version: string;
  readonly url: URL;
  readonly digest: Digest;
}

/** The machine that the program is for, in Node's words: `linux`, `x64`. */
export interface Machine {
  readonly os: string;
  readonly architecture: string;
}

/** Buildx releases whose checksums are known here: those of Docker's official images for the same release. */
const pinned: Readonly<Record<string, Readonly<Record<string, Digest>>>> = {
  "0.36.1": {
    "linux-amd64": "sha256:48af8a397ebd60178778bf63611dbcebe5f5e7a9be90eb9147b24b9587455778",
    "linux-arm64": "sha256:5d0cafd9d16afe1a0f0d9529885344ace2cc99efdd531b6c783c5455a6001569",
  },
};

/**
 * The release's file for a machine. `version` is a pinned one, or `0.37.0@sha256:…`: a checksum that comes from the same place as the program
 * proves nothing, so the caller brings it. `mirror` stands for `https://github.com`.
 */
export function buildxAsset(
  version: string,
  { os, architecture }: Machine,
  mirror = "https://github.com",
): Asset {
  const [number = "", given] = version.replace(/^v/, "").split("@");
  const machine = `${os}-${{ x64: "amd64", arm64: "arm64" }[architecture] ?? architecture}`;
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(number))
    throw new UsageError(`buildx-version: "${version}" is not a version such as 0.36.1.`);
  const digest = given ?? pinned[number]?.[machine];
  if (digest === undefined || !isDigest(digest))
    throw new UsageError(
      `buildx-version: the checksum of buildx ${number} for ${machine} is not known here.`,
      {
        todo: `Give it too: ${number}@sha256:(64 hexadecimal digits). Pinned are: ${Object.keys(pinned).join(", ")} for linux-amd64 and linux-arm64.`,
      },
    );
  const base = mirror.replace(/\/+$/, "");
  const path = `docker/buildx/releases/download/v${number}/buildx-v${number}.${machine}`;
  return { version: number, url: new URL(`${base}/${path}`), digest };
}
