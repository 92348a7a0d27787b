import { CheckError, MissingBlobError } from "../errors.ts";
import {
  type AssembledPlatform,
  assembleIndex,
  assemblePlatform,
  type RawLayer,
} from "../images/assemble.ts";
import { blobOf } from "../images/blob.ts";
import type { Digest } from "../images/digest.ts";
import { type Document, parseManifest } from "../images/manifest.ts";
import { names } from "../images/names.ts";
import { type Platform, platformName } from "../images/platform.ts";
import type { FolderOwner } from "../layers/tar-header.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { AssembleResult } from "../results/stages.ts";
import { copyBlobs } from "../stores/copy-blobs.ts";
import { type CheckedRuntime, checkRuntimes, ownerText } from "./check-runtimes.ts";
import { inOrder, type Runtime, readRuntime } from "./runtime-images.ts";

export interface Assembling {
  readonly runtimes: readonly Runtime[];
  /** Platforms that the image must have. */
  readonly platforms: readonly Platform[];
  readonly root: string;
  /** Baked model layers, lowest first. */
  readonly models: readonly RawLayer[];
  /** The lock's own layer, whose root folder has the owner that the runtime gave it; undefined for an image that knows no models. */
  readonly lock: ((owner?: FolderOwner) => LockLayer) | undefined;
  /** RFC 3339. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly manifestAnnotations: Readonly<Record<Platform, Readonly<Record<string, string>>>>;
  /** Every model layer of the lock, baked or not: no runtime may bring one. */
  readonly weights: readonly Digest[];
  /** Tags of the target whose images were checked when they were made: their runtime layers are not read again. */
  readonly published: readonly string[];
  /** Whether model layers may be missing (nothing is pushed). */
  readonly mayLackModels: boolean;
}

type LockLayer = RawLayer & { readonly bytes: Uint8Array };

/** A platform's manifest and config, and the lock's layer in it. */
interface Final {
  readonly image: AssembledPlatform;
  readonly lock: LockLayer | undefined;
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
  const { target, log } = ports;
  const wanted = inOrder(assembling.runtimes, assembling.platforms);
  const read = await Promise.all(wanted.map(readRuntime));
  for (const runtime of read)
    finalPlatform({ ...runtime, rootOwner: undefined, newBytes: 0 }, assembling);
  const runtimes = await checkRuntimes(read, assembling, ports);
  const finals = runtimes.map((runtime) => finalPlatform(runtime, assembling));
  const index = assembleIndex(
    finals.map(({ image }) => image),
    indexAnnotations(assembling),
  );
  for (let lost = 0; ; lost += 1) {
    try {
      const absent = await bringModels(assembling, ports);
      const bytesUploaded = await write(runtimes, finals, index, ports);
      const { digest, mediaType } = index;
      return {
        digest,
        mediaType,
        repository: target.name,
        platforms: finals.map(platformResult),
        absent: [...absent],
        newRuntimeBytes: runtimes.reduce((sum, { newBytes }) => sum + newBytes, 0),
        bytesUploaded,
      };
    } catch (error) {
      if (!(error instanceof MissingBlobError) || lost === losses) throw error;
      log.info(
        `${target.name} lost a blob before its manifest came; what is missing is sent again.`,
      );
    }
  }
}

/** Sends what the target lacks; the bytes that went, beside the runtime's layers. */
async function write(
  runtimes: readonly CheckedRuntime[],
  finals: readonly Final[],
  index: Document,
  { target, signal }: Ports,
): Promise<number> {
  let sent = 0;
  for (const { image, store } of runtimes)
    await copyBlobs(parseManifest(image.manifest).layers, store, target, { signal });
  const own = finals.flatMap(({ image: { config }, lock }) => [
    blobOf("config", config.bytes, config.digest),
    ...(lock === undefined ? [] : [blobOf("models.lock.json", lock.bytes, lock.digest)]),
  ]);
  for (const blob of own) {
    if ((await target.blobSize(blob.digest as Digest)) === undefined)
      sent += (await target.putBlob(blob, { signal })).bytesSent;
  }
  for (const manifest of [...finals.map(({ image }) => image.manifest), index]) {
    if ((await target.manifestDigest(manifest.digest)) === undefined) sent += manifest.bytes.length;
    await target.putManifest(manifest);
  }
  return sent;
}

function finalPlatform(
  { image, platform, rootOwner, labels: own }: CheckedRuntime,
  assembling: Assembling,
): Final {
  const lock = assembling.lock?.(rootOwner?.owner);
  const said = rootOwner === undefined ? {} : { [names.owner]: ownerText(rootOwner) };
  const annotations = { ...assembling.manifestAnnotations[platform], ...said };
  const labels = { ...assembling.labels, ...own };
  return { image: assemblePlatform(image, { ...assembling, lock, labels, annotations }), lock };
}

/** What a later run reads of a published image: its age, and under which root its layers were checked. */
function indexAnnotations({
  annotations,
  created,
  root,
}: Assembling): Readonly<Record<string, string>> {
  return { ...annotations, [names.created]: created, [names.root]: root };
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
  image: { platform, manifest, runtimeDigest, size },
}: Final): AssembleResult["platforms"][number] {
  return { platform: platformName(platform), digest: manifest.digest, runtimeDigest, size };
}
