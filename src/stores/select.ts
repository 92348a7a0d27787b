import { CheckError } from "../errors.ts";
import type { Descriptor } from "../images/descriptor.ts";
import { type Document, document, parseIndex } from "../images/manifest.ts";
import { type Platform, parsePlatform, platformName } from "../images/platform.ts";

const subject = "vnd.docker.reference.digest";

/**
 * The index with the wanted platforms only, and with what speaks of them (BuildKit's attestations); the very same bytes where all
 * are wanted. A CheckError names a platform that the index does not have.
 */
export function selectPlatforms(index: Document, wanted: readonly Platform[]): Document {
  const names = new Set(wanted.map((platform) => platformName(parsePlatform(platform))));
  const value = parseIndex(index);
  const found = value.manifests.filter(
    ({ platform }) => platform !== undefined && names.has(platformName(platform)),
  );
  const missing = [...names].find((name) => !found.some((entry) => nameOf(entry) === name));
  if (missing !== undefined) {
    const has = value.manifests.map(nameOf).filter((name) => name !== undefined);
    throw new CheckError(`${index.digest} has no manifest for ${missing}, only ${has.join(", ")}.`);
  }
  const kept = new Set(found.map(({ digest }) => digest as string));
  const manifests = value.manifests.filter(
    (entry) => kept.has(entry.digest) || kept.has(entry.annotations?.[subject] ?? ""),
  );
  return manifests.length === value.manifests.length
    ? index
    : document(index.mediaType, { ...value, manifests });
}

function nameOf({ platform }: Descriptor): Platform | undefined {
  return platform === undefined || platform.os === "unknown" ? undefined : platformName(platform);
}
