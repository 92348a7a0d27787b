import { CheckError, IntegrityError, UsageError } from "../../errors.ts";
import { runtimePart } from "../../images/added-layers.ts";
import type { PlatformFields } from "../../images/descriptor.ts";
import type { Digest } from "../../images/digest.ts";
import { type Document, isIndex, parseIndex, parseManifest } from "../../images/manifest.ts";
import { names } from "../../images/names.ts";
import { isPlatform, type Platform, platformName } from "../../images/platform.ts";
import { lockLayer } from "../../models/layer-source.ts";
import type { CompleteLock } from "../../models/lock.ts";
import { publishedLock } from "../../models/published.ts";
import type { Store } from "../../ports/store.ts";
import { saidOwner } from "../known-layers.ts";
import { readConfigBlob } from "../runtime-images.ts";

/** A platform of a final image as the store has it. */
export interface FinalPlatform {
  readonly platform: Platform;
  readonly digest: Digest;
  /** Undefined where layers, diff_ids and history do not count up: no image that was assembled here. */
  readonly layers: FinalLayers | undefined;
  /** The lock that travels in it; undefined where there is none. */
  readonly lock: CompleteLock | undefined;
  /** `REPOSITORY@DIGEST` of its label. */
  readonly modelsImage: string | undefined;
}

interface FinalLayers {
  /** Below the runtime: model layers, lowest first. */
  readonly below: readonly Digest[];
  /** Of the runtime's layers. */
  readonly diffIds: readonly Digest[];
  readonly top: Digest | undefined;
  /** The layer that the lock alone makes: what `top` must be. */
  readonly lockLayer: Digest | undefined;
}

export interface FinalImage {
  /** The index's. */
  readonly digest: Digest;
  /** Every platform of the index. */
  readonly index: readonly { readonly platform: Platform; readonly digest: Digest }[];
  /** Those that are looked at. */
  readonly platforms: readonly FinalPlatform[];
}

/** Which platforms are looked at: those that are named; else the machine's, where the image has it; else all. */
export interface Wanted {
  readonly platforms?: readonly Platform[] | undefined;
  readonly machine?: Platform | undefined;
}

/** Reads index, manifests, configs and locks: no weights, no runtime layers. A CheckError for what is no final image. */
export async function readFinalImage(
  document: Document,
  { platforms: named, machine }: Wanted,
  store: Store,
): Promise<FinalImage> {
  if (!isIndex(document))
    throw new CheckError(
      `${document.digest} is no index over platforms, as every image is that director-image publishes (${document.mediaType}).`,
      { todo: "Name the image's tag, or the digest of its index." },
    );
  const index = parseIndex(document).manifests.map(({ digest, platform }) => ({
    platform: platform === undefined ? "unknown/unknown" : platformIn(document, platform),
    digest,
  }));
  const missing = named?.find((name) => !index.some(({ platform }) => platform === name));
  if (missing !== undefined)
    throw new UsageError(
      `--platform: ${document.digest} has no ${missing}, only ${index.map(({ platform }) => platform).join(", ")}.`,
    );
  if (index.length === 0) throw new CheckError(`${document.digest} is an index over nothing.`);
  const own = index.filter(({ platform }) => platform === machine);
  const chosen =
    named === undefined
      ? own.length === 0
        ? index
        : own
      : index.filter(({ platform }) => named.includes(platform));
  const platforms = await Promise.all(chosen.map((one) => readPlatform(one, store)));
  return { digest: document.digest, index, platforms };
}

/** A platform's name as the index says it; an IntegrityError where nobody could ask for it by that name. */
function platformIn({ digest }: Document, fields: PlatformFields): Platform {
  const name = platformName(fields);
  if (isPlatform(name)) return name;
  throw new IntegrityError(`${digest} names ${JSON.stringify(name)}, which is no platform.`);
}

async function readPlatform(
  { platform, digest }: FinalImage["index"][number],
  store: Store,
): Promise<FinalPlatform> {
  const document = await store.readManifest(digest);
  if (document === undefined)
    throw new CheckError(`${store.name} does not hold ${digest}, its image for ${platform}.`);
  const manifest = parseManifest(document);
  const config = await readConfigBlob(document, store);
  const labels = config.config?.Labels ?? {};
  const part = runtimePart(manifest.layers, config);
  const root = labels[names.root];
  const isLast = part !== undefined && part.above.length > 0;
  const lock = root !== undefined && isLast ? await publishedLock(store, digest, root) : undefined;
  const owner = saidOwner(manifest.annotations)?.owner;
  return {
    platform,
    digest,
    lock,
    modelsImage: labels[names.models],
    layers: part && {
      below: part.below.map((layer) => layer.digest),
      diffIds: part.diffIds,
      top: part.above[0]?.digest,
      lockLayer: lock && lockLayer(lock, owner).digest,
    },
  };
}
