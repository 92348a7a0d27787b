import { checkLayers } from "../assembly/check-layers.ts";
import { CheckError, IntegrityError, UsageError } from "../errors.ts";
import {
  type AssembledPlatform,
  assembleIndex,
  assemblePlatform,
  type ImageConfig,
  names,
  type RawLayer,
  type RuntimeImage,
} from "../images/assemble.ts";
import { blobOf } from "../images/blob.ts";
import type { Descriptor } from "../images/descriptor.ts";
import type { Digest } from "../images/digest.ts";
import { type Document, isIndex, parseIndex, parseManifest } from "../images/manifest.ts";
import { type Platform, parsePlatform, platformName } from "../images/platform.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { AssembleResult } from "../results/stages.ts";
import { copyBlobs } from "../stores/transfer.ts";

export interface Assembling {
  readonly runtimes: readonly { readonly platform: Platform; readonly digest: Digest }[];
  /** Platforms that the image must have. */
  readonly platforms: readonly Platform[];
  readonly root: string;
  /** Baked model layers, lowest first. */
  readonly models: readonly RawLayer[];
  readonly lock: (RawLayer & { readonly bytes: Uint8Array }) | undefined;
  /** RFC 3339. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly manifestAnnotations: Readonly<Record<Platform, Readonly<Record<string, string>>>>;
  /** A tag of the target whose image was checked when it was made: its layers are not read again. */
  readonly published: string | undefined;
  /** Whether model layers may be missing (nothing is pushed). */
  readonly mayLackModels: boolean;
}

interface Ports {
  /** Where the runtime is. */
  readonly runtime: Store;
  /** Where the model layers are. */
  readonly weights: Store;
  readonly target: Store;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Writes one manifest per platform and an index over them: blobs first, then manifests by digest, the index last. */
export async function assembleImage(assembling: Assembling, ports: Ports): Promise<AssembleResult> {
  const { target, runtime, signal } = ports;
  const runtimes = await Promise.all(
    inOrder(assembling).map((entry) => readRuntime(entry, runtime)),
  );
  const images = runtimes.map((image) => ({ image, final: finalPlatform(image, assembling) }));
  await checkNewLayers(runtimes, assembling, ports);
  const absent = await bringModels(assembling, ports);
  const layers = unique(runtimes.flatMap(({ manifest }) => parseManifest(manifest).layers));
  let bytesUploaded = await copyBlobs(layers, runtime, target, { signal });
  const own = [
    ...images.map(({ final }) => blobOf("config", final.config.bytes, final.config.digest)),
    ...lockBlob(assembling),
  ];
  for (const blob of own) {
    if ((await target.blobSize(blob.digest as Digest)) === undefined)
      bytesUploaded += (await target.putBlob(blob, { signal })).bytesSent;
  }
  const index = assembleIndex(
    images.map(({ final }) => final),
    assembling.annotations,
  );
  for (const manifest of [...images.map(({ final }) => final.manifest), index]) {
    if ((await target.manifestDigest(manifest.digest)) === undefined)
      bytesUploaded += manifest.bytes.length;
    await target.putManifest(manifest);
  }
  return {
    digest: index.digest,
    mediaType: index.mediaType,
    repository: target.name,
    platforms: images.map(({ final }) => platformResult(final)),
    absent: [...absent],
    bytesUploaded,
  };
}

/** The platform manifests behind references: an index gives several, a manifest one. Attestations are left out. */
export async function runtimePlatforms(
  reference: string,
  store: Store,
): Promise<Assembling["runtimes"]> {
  const document = await store.readManifest(reference);
  if (document === undefined)
    throw new CheckError(`${store.name} has no image ${reference}.`, {
      todo: "Build it first, or name another runtime image.",
    });
  if (!isIndex(document)) {
    const config = await readConfigBlob(document, store);
    return [
      {
        platform: platformName({
          os: String(config["os"]),
          architecture: String(config["architecture"]),
          ...variantOf(config),
        }),
        digest: document.digest,
      },
    ];
  }
  return parseIndex(document)
    .manifests.filter(({ platform }) => platform !== undefined && platform.os !== "unknown")
    .map(({ platform, digest }) => ({
      platform: platformName(platform as NonNullable<Descriptor["platform"]>),
      digest,
    }));
}

function inOrder({ platforms, runtimes }: Assembling): Assembling["runtimes"] {
  const extra = runtimes.find(({ platform }) => !platforms.includes(platform));
  if (extra !== undefined)
    throw new UsageError(
      `A runtime image for ${extra.platform} was given, which the image shall not have (platforms: ${platforms.join(", ")}).`,
    );
  return platforms.map((platform) => {
    const [found, second] = runtimes.filter((runtime) => runtime.platform === platform);
    if (found === undefined)
      throw new CheckError(`There is no runtime image for ${platform}.`, {
        todo: `Build it (stage build, platforms: ${platform}) and assemble again.`,
      });
    if (second !== undefined && second.digest !== found.digest)
      throw new UsageError(
        `There are two runtime images for ${platform}: ${found.digest} and ${second.digest}.`,
      );
    return found;
  });
}

async function readRuntime(
  { platform, digest }: Assembling["runtimes"][number],
  store: Store,
): Promise<RuntimeImage> {
  const manifest = await store.readManifest(digest);
  if (manifest === undefined)
    throw new CheckError(
      `${store.name} does not hold the runtime image ${digest} of ${platform}.`,
      { todo: "Run the stage build again." },
    );
  return {
    platform: parsePlatform(platform),
    manifest,
    config: await readConfigBlob(manifest, store),
  };
}

async function readConfigBlob(manifest: Document, store: Store): Promise<ImageConfig> {
  const { config } = parseManifest(manifest);
  const pieces: Uint8Array[] = [];
  for await (const piece of store.readBlob(config.digest)) pieces.push(piece);
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8")) as ImageConfig;
  } catch (cause) {
    throw new IntegrityError(`The config ${config.digest} of ${manifest.digest} is not JSON.`, {
      cause,
    });
  }
}

function finalPlatform(
  image: RuntimeImage,
  { root, models, lock, created, labels, manifestAnnotations }: Assembling,
): AssembledPlatform {
  const annotations = manifestAnnotations[platformName(image.platform)] ?? {};
  return assemblePlatform(image, { root, models, lock, created, labels, annotations });
}

/** Reads the layers that the published image of the same root does not have, for entries that touch the weights. */
async function checkNewLayers(
  runtimes: readonly RuntimeImage[],
  { root, published }: Assembling,
  { runtime, target, log, signal }: Ports,
): Promise<void> {
  const known =
    published === undefined ? new Set<Digest>() : await layersOf(published, root, target);
  const layers = unique(runtimes.flatMap(({ manifest }) => parseManifest(manifest).layers)).filter(
    ({ digest }) => !known.has(digest),
  );
  log.debug(`${layers.length} new runtime layers are read for entries under ${root}.`);
  await checkLayers(layers, root, runtime, signal);
}

async function layersOf(tag: string, root: string, store: Store): Promise<ReadonlySet<Digest>> {
  const document = await store.readManifest(tag);
  if (document === undefined || !isIndex(document)) return new Set();
  const index = parseIndex(document);
  if (index.annotations?.[names.root] !== root) return new Set();
  const manifests = await Promise.all(
    index.manifests.map(({ digest }) => store.readManifest(digest)),
  );
  return new Set(
    manifests.flatMap((manifest) =>
      manifest === undefined ? [] : parseManifest(manifest).layers.map(({ digest }) => digest),
    ),
  );
}

/** Makes sure that the target has the model layers; gives those that it lacks where that is allowed. */
async function bringModels(
  { models, mayLackModels }: Assembling,
  { weights, target }: Ports,
): Promise<readonly Digest[]> {
  const absent: Digest[] = [];
  for (const { digest, what } of models) {
    if ((await target.blobSize(digest)) !== undefined) continue;
    if (weights.name !== target.name && (await target.mountBlob(digest, weights.name))) continue;
    if (!mayLackModels) {
      throw new CheckError(`${target.name} does not hold the model layer ${digest} (${what}).`, {
        todo:
          weights.name === target.name
            ? "Run the stage models again."
            : `Run models push --to ${target.name}, or keep weights and image in one repository.`,
      });
    }
    absent.push(digest);
  }
  return absent;
}

function lockBlob({ lock }: Assembling) {
  return lock === undefined ? [] : [blobOf("models.lock.json", lock.bytes, lock.digest)];
}

function platformResult({
  platform,
  manifest,
  runtimeDigest,
  size,
}: AssembledPlatform): AssembleResult["platforms"][number] {
  return { platform: platformName(platform), digest: manifest.digest, runtimeDigest, size };
}

function variantOf(config: ImageConfig): { variant?: string } {
  return typeof config["variant"] === "string" ? { variant: config["variant"] } : {};
}

function unique(layers: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
}
