import { type Digest, digestOf, short } from "../images/digest.ts";
import type { Lock } from "./lock.ts";

/** The lock as a file: two spaces, keys in the order of the design page, a line feed at the end. The same lock gives the same bytes. */
export function formatLock({ version, root, models, layers }: Lock): string {
  const ordered = {
    version,
    root,
    models: models.map(({ name, title, delivery, license, source, mirrors, files }) => ({
      name,
      title,
      delivery,
      license,
      source:
        "url" in source
          ? { url: source.url }
          : { huggingface: source.huggingface, revision: source.revision },
      mirrors,
      files: files.map(({ path, size, sha256, allow }) => ({ path, size, sha256, allow })),
    })),
    layers: layers?.map(({ digest, size, files }) => ({ digest, size, files })),
  };
  return `${JSON.stringify(ordered, null, 2)}\n`;
}

/** Digest of the lock's file, as it travels in every image. */
export function lockFileDigest(lock: Lock): Digest {
  return digestOf(formatLock(lock));
}

/**
 * The canonical form, from which the models image has its tag: the lock without `layers` as JSON in UTF-8, keys of every object
 * sorted by code unit, lists in their order, no white space.
 */
export function canonicalLock({ layers: _layers, ...rest }: Lock): string {
  return JSON.stringify(rest, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** `models-<12 hex>`: the tag of the models image of this lock, open or complete. */
export function lockTag(lock: Lock): string {
  return `models-${short(digestOf(canonicalLock(lock)))}`;
}
