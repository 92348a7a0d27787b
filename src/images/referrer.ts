import { IntegrityError } from "../errors.ts";
import { type Descriptor, mediaTypes } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { type Document, descriptorOf, isIndex, parseIndex, parseManifest } from "./manifest.ts";

/** The tag under which what refers to a manifest is listed where there is no API (distribution specification, "Referrers Tag Schema"). */
export function referrersTag(digest: Digest): string {
  return digest.replace(":", "-");
}

/** What a manifest or index is attached to; undefined where it is attached to nothing. */
export function subjectOf(manifest: Document): Digest | undefined {
  return (isIndex(manifest) ? parseIndex(manifest) : parseManifest(manifest)).subject?.digest;
}

/** What the document under that tag lists. Anybody who may push writes there: what is no list lists nothing. */
export function listedIn(list: Document): readonly Descriptor[] {
  if (list.mediaType !== mediaTypes.index) return [];
  return ofStranger(() => parseIndex(list).manifests) ?? [];
}

/** Whether a stranger's manifest is attached to that digest; what is no manifest is not. */
export function isAttachedTo(manifest: Document, subject: Digest): boolean {
  return ofStranger(() => subjectOf(manifest)) === subject;
}

function ofStranger<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof IntegrityError) return undefined;
    throw error;
  }
}

/** A manifest as a list of referrers has it: with its artifact type and its annotations (distribution specification, "Listing Referrers"). */
export function referrerDescriptor(manifest: Document): Descriptor {
  const { artifactType, annotations, config } = isIndex(manifest)
    ? { ...parseIndex(manifest), config: undefined }
    : parseManifest(manifest);
  const type = artifactType ?? config?.mediaType;
  return descriptorOf(manifest, {
    ...(type === undefined ? {} : { artifactType: type }),
    ...(annotations === undefined ? {} : { annotations }),
  });
}
