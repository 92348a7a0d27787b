import { CommandError, IntegrityError } from "../errors.ts";
import { mediaTypes } from "../images/descriptor.ts";
import { type Digest, isDigest } from "../images/digest.ts";
import {
  attestationsOf,
  type Document,
  isIndex,
  parseIndex,
  parseManifest,
} from "../images/manifest.ts";
import { type Platform, parsePlatform, platformName } from "../images/platform.ts";
import type { Store } from "../ports/store.ts";
import type { BuildResult } from "../results/stages.ts";
import { provenanceIn, readMaterials } from "./provenance.ts";

/** The digest in buildx's metadata file: of an index, or of the manifest where one platform has no attestation. Pure. */
export function builtDigest(metadata: string): Digest {
  let digest: unknown;
  try {
    digest = (JSON.parse(metadata) as Record<string, unknown>)["containerimage.digest"];
  } catch (cause) {
    throw new CommandError("buildx's metadata file is not JSON.", { cause });
  }
  if (typeof digest === "string" && isDigest(digest)) return digest;
  throw new CommandError(
    `buildx's metadata file names no image: containerimage.digest is ${JSON.stringify(digest)}.`,
  );
}

/**
 * What was built, read back from where it is now: BuildKit's attestation manifests are told apart by their annotation. `baseOf` names the image
 * that a platform stands on; its digest is in the attestation, where there is one.
 */
export async function readBuilt(
  store: Store,
  digest: Digest,
  wanted: readonly Platform[],
  baseOf: (platform: Platform) => string | undefined = () => undefined,
): Promise<Pick<BuildResult, "platforms" | "indexes">> {
  const built = await read(store, digest);
  const found: readonly Image[] = isIndex(built)
    ? imagesOf(built)
    : [{ platform: wanted[0] ?? "", digest }];
  const platforms = await Promise.all(
    wanted.map(async (name) => {
      const platform = platformName(parsePlatform(name));
      const image = found.find((entry) => entry.platform === platform || !isIndex(built));
      if (image === undefined)
        throw new IntegrityError(
          `${store.name}@${digest} has no image for ${platform}, only for ${found.map((entry) => entry.platform).join(", ")}.`,
        );
      const size = await sizeOf(store, image.digest);
      const base = await baseFrom(store, baseOf(platform), image.attestation);
      return { platform, digest: image.digest, size, ...(base === undefined ? {} : { base }) };
    }),
  );
  return { platforms, indexes: isIndex(built) ? [digest] : [] };
}

interface Image {
  readonly platform: Platform;
  readonly digest: Digest;
  readonly attestation?: Digest;
}

function imagesOf(index: Document): readonly Image[] {
  const { manifests } = parseIndex(index);
  const attestations = attestationsOf({ manifests });
  return manifests.flatMap(({ digest, platform, annotations, mediaType }) => {
    if (platform === undefined || mediaType !== mediaTypes.manifest) return [];
    if (annotations?.["vnd.docker.reference.type"] !== undefined) return [];
    const attestation = attestations.get(digest);
    return [
      {
        platform: platformName(platform),
        digest,
        ...(attestation === undefined ? {} : { attestation }),
      },
    ];
  });
}

async function baseFrom(
  store: Store,
  written: string | undefined,
  attestation: Digest | undefined,
): Promise<{ name: string; digest?: Digest } | undefined> {
  if (written === undefined) return undefined;
  const [name = "", pinned = ""] = written.split("@");
  if (isDigest(pinned)) return { name, digest: pinned };
  const statement = attestation === undefined ? undefined : await provenanceIn(store, attestation);
  const digest = statement === undefined ? undefined : readMaterials(statement).get(written);
  return digest === undefined ? { name } : { name, digest };
}

/** Bytes of the layers as they are stored. */
async function sizeOf(store: Store, digest: Digest): Promise<number> {
  const { layers } = parseManifest(await read(store, digest));
  return layers.reduce((sum, { size }) => sum + size, 0);
}

async function read(store: Store, digest: Digest): Promise<Document> {
  const document = await store.readManifest(digest);
  if (document !== undefined) return document;
  throw new IntegrityError(
    `${store.name}@${digest} was built, but is not there when it is read back.`,
  );
}
