import { IntegrityError, RemoteError } from "../errors.ts";
import { type Descriptor, mediaTypes } from "../images/descriptor.ts";
import { digestOf } from "../images/digest.ts";
import { type Document, document, parseManifest } from "../images/manifest.ts";
import { readBounded } from "../images/read-bounded.ts";
import type { Store } from "../ports/store.ts";

/** A bundle of Sigstore, and the artifact that carries it. */
const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** The configuration of an artifact that has none: `{}` (image specification, "Guidance for an Empty Descriptor"). */
export const emptyBlob = new TextEncoder().encode("{}");

const names = {
  content: "dev.sigstore.bundle.content",
  predicateType: "dev.sigstore.bundle.predicateType",
  created: "org.opencontainers.image.created",
} as const;

export interface BundleArtifact {
  /** The bundle as JSON. */
  readonly bundle: Uint8Array;
  readonly predicateType: string;
  /** RFC 3339 */
  readonly created: string;
  /** What it is attached to. */
  readonly subject: Pick<Descriptor, "mediaType" | "digest" | "size">;
}

/** The manifest by which a bundle is attached to an image (cosign, specs/BUNDLE_SPEC.md). Pure. */
export function bundleManifest({
  bundle,
  predicateType,
  created,
  subject,
}: BundleArtifact): Document {
  const { mediaType, digest, size } = subject;
  return document(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: bundleType,
    config: { mediaType: mediaTypes.empty, digest: digestOf(emptyBlob), size: emptyBlob.length },
    layers: [{ mediaType: bundleType, digest: digestOf(bundle), size: bundle.length }],
    subject: { mediaType, digest, size },
    annotations: {
      [names.content]: "dsse-envelope",
      [names.predicateType]: predicateType,
      [names.created]: created,
    },
  });
}

/** A bundle that a registry said to be about an image; what it signs, and who did, is for the verifier to say. */
export interface Attached {
  /** The artifact's manifest. */
  readonly digest: Descriptor["digest"];
  /** As the manifest says, before anything was verified. */
  readonly predicateType: string | undefined;
  /** The bundle's JSON. */
  readonly bundle: string;
}

/** A bundle of ours is a statement and a signature; a stranger may attach anything. */
const longestBundle = 64 * 1024 * 1024;

/**
 * The bundle in a referrer; undefined where it is no bundle, or is not about that subject. Each manifest is read: what lists it may be
 * wrong about it. An IntegrityError for whatever else a stranger may have attached.
 */
export async function readAttached(
  store: Pick<Store, "readManifest" | "readBlob" | "blobSize">,
  { digest }: Pick<Descriptor, "digest">,
  subject: Descriptor["digest"],
): Promise<Attached | undefined> {
  const found = await store.readManifest(digest);
  if (found === undefined || found.mediaType !== mediaTypes.manifest) return undefined;
  const { artifactType, config, layers, annotations, subject: about } = parseManifest(found);
  const type = artifactType ?? config.mediaType;
  const [layer] = layers;
  if (!type.startsWith("application/vnd.dev.sigstore.bundle") || layer === undefined)
    return undefined;
  if (about?.digest !== subject) return undefined;
  const bytes = await readBounded(store, layer, longestBundle).catch(async (cause: unknown) => {
    if (!(cause instanceof RemoteError) || (await store.blobSize(layer.digest)) !== undefined)
      throw cause;
    throw new IntegrityError(`The bundle ${layer.digest} that it names is not there.`);
  });
  return {
    digest,
    predicateType: annotations?.[names.predicateType],
    bundle: bytes.toString("utf8"),
  };
}
