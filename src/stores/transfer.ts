import { MissingBlobError, RemoteError } from "../errors.ts";
import type { Descriptor } from "../images/descriptor.ts";
import type { Digest } from "../images/digest.ts";
import { type Document, isIndex, parseIndex, parseManifest } from "../images/manifest.ts";
import type { Platform } from "../images/platform.ts";
import type { Store } from "../ports/store.ts";
import { copyBlobs } from "./copy-blobs.ts";
import { selectPlatforms } from "./select.ts";

export interface TransferOptions {
  /** A tag for the copy. */
  readonly tag?: string | undefined;
  /** Of an index, these only; all of them by default. */
  readonly platforms?: readonly Platform[] | undefined;
  /** Blobs that stay behind (model layers, for a layout that may lack them). */
  readonly leaveOut?: ((blob: Descriptor) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of blobs that the target has by now, and of all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface TransferResult {
  /** The copy's; another than the original's only where platforms were left out. */
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytesSent: number;
}

/** Copies an image with all that it names: blobs first, then its manifests by digest, the index last. */
export async function transfer(
  reference: string,
  from: Store,
  to: Store,
  options: TransferOptions = {},
): Promise<TransferResult> {
  const top = await wantManifest(reference, from);
  const chosen =
    isIndex(top) && options.platforms !== undefined ? selectPlatforms(top, options.platforms) : top;
  const manifests = await withChildren(chosen, from);
  const blobs = manifests.flatMap(blobsOf).filter((blob) => options.leaveOut?.(blob) !== true);
  const { signal, onProgress } = options;
  const total = sizeOf(blobs);
  let bytesSent = await copyBlobs(blobs, from, to, {
    signal,
    onProgress: onProgress && ((done) => onProgress(done, total)),
  });
  for (const manifest of manifests) {
    const tag = manifest === chosen ? options.tag : undefined;
    bytesSent += await putComplete(manifest, tag, { from, to, options });
  }
  return { digest: chosen.digest, mediaType: chosen.mediaType, bytesSent };
}

/** How often a registry may lose blobs between their upload and their manifest. */
const losses = 3;

/** Puts a manifest; where the target has lost what it names, that is sent again, and the manifest too. Returns the bytes sent. */
async function putComplete(
  manifest: Document,
  tag: string | undefined,
  { from, to, options }: { from: Store; to: Store; options: TransferOptions },
): Promise<number> {
  let sent = 0;
  for (let lost = 0; ; lost += 1) {
    try {
      await to.putManifest(manifest, tag);
      return sent + manifest.bytes.length;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof MissingBlobError) || lost === losses) throw error;
      const missing = new Set(error.digests);
      const named = (digest: Digest) => missing.size === 0 || missing.has(digest);
      sent += await sendAgain(manifest, named, { from, to, options });
    }
  }
}

async function sendAgain(
  manifest: Document,
  wanted: (digest: Digest) => boolean,
  { from, to, options }: { from: Store; to: Store; options: TransferOptions },
): Promise<number> {
  const { signal } = options;
  const blobs = blobsOf(manifest).filter(
    (blob) => wanted(blob.digest) && options.leaveOut?.(blob) !== true,
  );
  let sent = await copyBlobs(blobs, from, to, { signal, force: true });
  const children = isIndex(manifest) ? parseIndex(manifest).manifests : [];
  for (const { digest } of children.filter((child) => wanted(child.digest)))
    sent += await putComplete(await wantManifest(digest, from), undefined, { from, to, options });
  return sent;
}

async function wantManifest(reference: string, from: Store): Promise<Document> {
  const found = await from.readManifest(reference);
  if (found === undefined) throw new RemoteError(`${from.name} has no manifest ${reference}.`);
  return found;
}

/** The manifests below an index, each before the one that names it, the given one last. */
async function withChildren(top: Document, from: Store): Promise<readonly Document[]> {
  if (!isIndex(top)) return [top];
  const below: Document[] = [];
  for (const { digest } of parseIndex(top).manifests)
    below.push(...(await withChildren(await wantManifest(digest, from), from)));
  return [...new Map(below.map((manifest) => [manifest.digest, manifest])).values(), top];
}

function blobsOf(manifest: Document): readonly Descriptor[] {
  if (isIndex(manifest)) return [];
  const { config, layers } = parseManifest(manifest);
  return [config, ...layers];
}

function sizeOf(blobs: readonly Descriptor[]): number {
  const sizes = new Map(blobs.map(({ digest, size }) => [digest, size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
