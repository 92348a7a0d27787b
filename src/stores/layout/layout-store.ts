import { IntegrityError, RemoteError } from "../../errors.ts";
import { blobOf } from "../../images/blob.ts";
import { type Digest, digestOf, isDigest } from "../../images/digest.ts";
import { type Document, descriptorOf, isIndex, parseIndex } from "../../images/manifest.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Files } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";
import type { Store } from "../../ports/store.ts";
import { mediaTypeOf } from "../media-type.ts";
import { resumedRead } from "../resumed-read.ts";
import { blobPath, readBlobFile, sizeOfBlob, sweepPartials, writeBlob } from "./blobs.ts";
import { type Entries, tagOf, withManifest, withoutTag } from "./entries.ts";
import { changeIndex, readIndex } from "./index-file.ts";
import { referrersIn } from "./referrers.ts";

export interface LayoutPorts {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
}

/** An OCI image layout on disk (image specification, image-layout.md). Several processes may write to it at once. */
export function layoutStore(folder: string, ports: LayoutPorts): Store {
  const { files } = ports;
  const name = `oci:${folder}`;
  let swept: Promise<void> | undefined;

  const putBlob: Store["putBlob"] = async (source, options = {}) => {
    swept ??= sweepPartials(folder, files);
    await swept;
    const { digest, size } = source;
    if (digest !== undefined && (await sizeOfBlob(folder, digest, files)) === size)
      return { digest, size, bytesSent: 0 };
    return await writeBlob(folder, source, options, files);
  };
  const readManifest: Store["readManifest"] = async (reference) => {
    const digest = isDigest(reference) ? reference : await taggedDigest(folder, reference, files);
    return digest === undefined ? undefined : await readDocument(folder, digest, files);
  };
  const putManifest: Store["putManifest"] = async (manifest, tag) => {
    await putBlob(blobOf(manifest.mediaType, manifest.bytes, manifest.digest));
    const children = new Set(childrenOf(manifest));
    const add = async (entries: Entries) =>
      withManifest(entries, descriptorOf(manifest), {
        tag,
        children,
        named: await namedBy(entries, folder, files),
      });
    await changeIndex(folder, add, ports);
  };
  return {
    name,
    layerLimit: undefined,
    blobSize: (digest) => sizeOfBlob(folder, digest, files),
    readBlob: async function* (digest, from = 0, signal) {
      if ((await sizeOfBlob(folder, digest, files)) === undefined)
        throw new RemoteError(`${name} does not have the blob ${digest}.`);
      const open = (at: number) => readBlobFile(blobPath(folder, digest), at, files);
      for await (const piece of resumedRead(open, { name, digest, from }, ports, signal)) {
        signal?.throwIfAborted();
        yield piece;
      }
    },
    putBlob,
    mountBlob: async () => false,
    readManifest,
    manifestDigest: async (reference) => (await readManifest(reference))?.digest,
    putManifest,
    removeTag: async (tag) => {
      await changeIndex(folder, (entries) => withoutTag(entries, tag), ports);
      return true;
    },
    tags: async () =>
      (await readIndex(folder, files)).manifests.map(tagOf).filter((tag) => tag !== undefined),
    referrers: (digest) => referrersIn(folder, digest, readManifest, files),
    putReferrer: (manifest) => putManifest(manifest),
  };
}

async function taggedDigest(
  folder: string,
  tag: string,
  files: Pick<Files, "readFile">,
): Promise<Digest | undefined> {
  const { manifests } = await readIndex(folder, files);
  return manifests.find((entry) => tagOf(entry) === tag)?.digest;
}

async function readDocument(
  folder: string,
  digest: Digest,
  files: Pick<Files, "stat" | "readFile">,
): Promise<Document | undefined> {
  if ((await sizeOfBlob(folder, digest, files)) === undefined) return undefined;
  const bytes = new Uint8Array(await files.readFile(blobPath(folder, digest)));
  const seen = digestOf(bytes);
  if (seen !== digest)
    throw new IntegrityError(`oci:${folder}: the manifest ${digest} has the digest ${seen}.`);
  return { mediaType: mediaTypeOf(bytes), digest, bytes };
}

/** What the listed indexes name. */
async function namedBy(
  entries: Entries,
  folder: string,
  files: Pick<Files, "stat" | "readFile">,
): Promise<ReadonlySet<Digest>> {
  const named = new Set<Digest>();
  for (const entry of entries.filter(isIndex)) {
    const index = await readDocument(folder, entry.digest, files);
    for (const digest of index === undefined ? [] : childrenOf(index)) named.add(digest);
  }
  return named;
}

function childrenOf(manifest: Document): readonly Digest[] {
  return isIndex(manifest) ? parseIndex(manifest).manifests.map(({ digest }) => digest) : [];
}
