import { checkLayers } from "../assembly/check-layers.ts";
import { CheckError, MissingBlobError } from "../errors.ts";
import {
  type AssembledPlatform,
  assembleIndex,
  assemblePlatform,
  names,
  type RawLayer,
  type RuntimeImage,
} from "../images/assemble.ts";
import { blobOf } from "../images/blob.ts";
import type { Digest } from "../images/digest.ts";
import { type Document, isIndex, parseIndex, parseManifest } from "../images/manifest.ts";
import { type Platform, platformName } from "../images/platform.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { AssembleResult } from "../results/stages.ts";
import { copyBlobs } from "../stores/copy-blobs.ts";
import { inOrder, type ReadRuntime, type Runtime, readRuntime } from "./runtime-images.ts";

export interface Assembling {
  readonly runtimes: readonly Runtime[];
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
  /** Where the model layers are. */
  readonly weights: Store;
  readonly target: Store;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** How often a registry may lose blobs between their upload and their manifest. */
const losses = 3;

/** Writes one manifest per platform and an index over them: blobs first, then manifests by digest, the index last. */
export async function assembleImage(assembling: Assembling, ports: Ports): Promise<AssembleResult> {
  const runtimes = await Promise.all(
    inOrder(assembling.runtimes, assembling.platforms).map(readRuntime),
  );
  const finals = runtimes.map(({ image }) => finalPlatform(image, assembling));
  const index = assembleIndex(finals, indexAnnotations(assembling));
  await checkNewLayers(runtimes, assembling, ports);
  for (let lost = 0; ; lost += 1) {
    try {
      const absent = await bringModels(assembling, ports);
      const bytesUploaded = await write(runtimes, finals, index, assembling, ports);
      const { digest, mediaType } = index;
      return {
        digest,
        mediaType,
        repository: ports.target.name,
        platforms: finals.map(platformResult),
        absent: [...absent],
        bytesUploaded,
      };
    } catch (error) {
      if (!(error instanceof MissingBlobError) || lost === losses) throw error;
      ports.log.info(
        `${ports.target.name} lost a blob before its manifest came; what is missing is sent again.`,
      );
    }
  }
}

/** Sends what the target lacks; the bytes that went. */
async function write(
  runtimes: readonly ReadRuntime[],
  finals: readonly AssembledPlatform[],
  index: Document,
  { lock }: Assembling,
  { target, signal }: Ports,
): Promise<number> {
  let sent = 0;
  for (const { image, store } of runtimes)
    sent += await copyBlobs(parseManifest(image.manifest).layers, store, target, { signal });
  const own = finals.map(({ config }) => blobOf("config", config.bytes, config.digest));
  if (lock !== undefined) own.push(blobOf("models.lock.json", lock.bytes, lock.digest));
  for (const blob of own) {
    if ((await target.blobSize(blob.digest as Digest)) === undefined)
      sent += (await target.putBlob(blob, { signal })).bytesSent;
  }
  for (const manifest of [...finals.map((final) => final.manifest), index]) {
    if ((await target.manifestDigest(manifest.digest)) === undefined) sent += manifest.bytes.length;
    await target.putManifest(manifest);
  }
  return sent;
}

function finalPlatform(
  image: RuntimeImage,
  { root, models, lock, created, labels, manifestAnnotations }: Assembling,
): AssembledPlatform {
  const annotations = manifestAnnotations[platformName(image.platform)] ?? {};
  return assemblePlatform(image, { root, models, lock, created, labels, annotations });
}

/** What a later run reads of a published image: its age, and under which root its layers were checked. */
function indexAnnotations({
  annotations,
  created,
  root,
}: Assembling): Readonly<Record<string, string>> {
  return { ...annotations, [names.created]: created, [names.root]: root };
}

/** Reads the layers that the published image of the same root does not have, for entries that touch the weights. */
async function checkNewLayers(
  runtimes: readonly ReadRuntime[],
  { root, published }: Assembling,
  { target, log, signal }: Ports,
): Promise<void> {
  const known = new Set(published === undefined ? [] : await layersOf(published, root, target));
  for (const { image, platform, store } of runtimes) {
    const layers = parseManifest(image.manifest).layers.filter(({ digest }) => !known.has(digest));
    log.debug(
      `${platform}: ${layers.length} new runtime layers are read for entries under ${root}.`,
    );
    await checkLayers(layers, root, store, signal);
    for (const { digest } of layers) known.add(digest);
  }
}

async function layersOf(tag: string, root: string, store: Store): Promise<readonly Digest[]> {
  const document = await store.readManifest(tag);
  if (document === undefined || !isIndex(document)) return [];
  const index = parseIndex(document);
  if (index.annotations?.[names.root] !== root) return [];
  const manifests = await Promise.all(
    index.manifests.map(({ digest }) => store.readManifest(digest)),
  );
  return manifests.flatMap((manifest) =>
    manifest === undefined ? [] : parseManifest(manifest).layers.map(({ digest }) => digest),
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

function platformResult({
  platform,
  manifest,
  runtimeDigest,
  size,
}: AssembledPlatform): AssembleResult["platforms"][number] {
  return { platform: platformName(platform), digest: manifest.digest, runtimeDigest, size };
}
