import { IntegrityError } from "../errors.ts";
import { type Descriptor, mediaTypes } from "./descriptor.ts";
import { type Digest, digestOf, isDigest } from "./digest.ts";

/** A manifest or an index exactly as it is stored: its digest is that of these bytes. */
export interface Document {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** OCI image specification, manifest.md. */
export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [unknown: string]: unknown;
}

/** OCI image specification, image-index.md. */
export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [unknown: string]: unknown;
}

/** Writes a value as the document that a registry keeps: JSON without spaces, keys in the order given. */
export function document(mediaType: string, value: object): Document {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return { mediaType, digest: digestOf(bytes), bytes };
}

/** The descriptor of a document, with more fields (platform, annotations) where given. */
export function descriptorOf(
  { mediaType, digest, bytes }: Document,
  more: Omit<Descriptor, "mediaType" | "digest" | "size"> = {},
): Descriptor {
  return { mediaType, digest, size: bytes.length, ...more };
}

export function isIndex(document: { readonly mediaType: string }): boolean {
  return (
    document.mediaType === mediaTypes.index ||
    document.mediaType === "application/vnd.docker.distribution.manifest.list.v2+json"
  );
}

/** Reads an index; an IntegrityError names what is wrong with it. */
export function parseIndex(document: Document): Index {
  const value = parseJson(document) as Index;
  if (!Array.isArray(value.manifests)) throw wrong(document, "has no list of manifests");
  for (const [at, entry] of value.manifests.entries())
    checkDescriptor(document, `manifests[${at}]`, entry);
  checkAbout(document, value);
  return value;
}

/** BuildKit's attestation manifests in an index, by the digest of the image that each is about (BuildKit docs/attestations/attestation-storage.md). */
export function attestationsOf({
  manifests,
}: Pick<Index, "manifests">): ReadonlyMap<string, Digest> {
  return new Map(
    manifests.flatMap(({ digest, annotations }) => {
      const about = annotations?.["vnd.docker.reference.digest"];
      return about === undefined ? [] : [[about, digest] as const];
    }),
  );
}

/** Reads an image manifest; an IntegrityError names what is wrong with it. */
export function parseManifest(document: Document): Manifest {
  const value = parseJson(document) as Manifest;
  checkDescriptor(document, "config", value.config);
  if (!Array.isArray(value.layers)) throw wrong(document, "has no list of layers");
  for (const [at, entry] of value.layers.entries())
    checkDescriptor(document, `layers[${at}]`, entry);
  checkAbout(document, value);
  return value;
}

function parseJson(document: Document): object {
  try {
    const value: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(document.bytes),
    );
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch (cause) {
    throw new IntegrityError(`${document.digest} is not JSON.`, { cause });
  }
  throw wrong(document, "is not a JSON object");
}

function checkDescriptor(document: Document, where: string, entry: Descriptor | undefined): void {
  const { mediaType, digest, size, platform } = entry ?? {};
  if (
    typeof mediaType !== "string" ||
    typeof digest !== "string" ||
    !isDigest(digest) ||
    !Number.isSafeInteger(size) ||
    Number(size) < 0
  ) {
    throw wrong(document, `has no descriptor (mediaType, sha256 digest, size) at ${where}`);
  }
  const { os, architecture } = platform ?? {};
  if (platform !== undefined && (typeof os !== "string" || typeof architecture !== "string"))
    throw wrong(document, `has a platform without os or architecture at ${where}`);
}

/** What both have, or lack; some writers put null for what they lack. */
function checkAbout(
  document: Document,
  { artifactType, annotations, subject }: Pick<Index, "artifactType" | "annotations" | "subject">,
): void {
  if (typeof (artifactType ?? "") !== "string")
    throw wrong(document, "has an artifactType that is no text");
  if (!areTexts(annotations ?? {})) throw wrong(document, "has annotations that are no texts");
  if (subject !== undefined && subject !== null) checkDescriptor(document, "subject", subject);
}

function areTexts(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === "string")
  );
}

function wrong(document: Document, what: string): IntegrityError {
  return new IntegrityError(`${document.mediaType} ${document.digest} ${what}.`);
}
