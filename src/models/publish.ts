import { MissingBlobError } from "../errors.ts";
import { blobOf } from "../images/blob.ts";
import type { Digest } from "../images/digest.ts";
import type { Store } from "../ports/store.ts";
import type { ModelsImage } from "./models-image.ts";

/** How often the blobs of one image are sent again when the store loses some before their manifest arrives. */
const attempts = 3;

/** What tags point at now. */
export type Tagged = ReadonlyMap<string, Digest | undefined>;

/** Costs one HEAD for each tag. */
export async function tagged(tags: readonly string[], store: Store): Promise<Tagged> {
  const digests = await Promise.all(tags.map((tag) => store.manifestDigest(tag)));
  return new Map(tags.map((tag, at) => [tag, digests[at]]));
}

/**
 * Writes the models image: blobs first, then manifests by digest, the index last with its tags. Where the store lost a blob meanwhile,
 * `again` brings the layers once more. Returns the bytes sent: none for an image that all tags point at already.
 */
export async function publish(
  image: ModelsImage,
  tags: Tagged,
  store: Store,
  again: () => Promise<void>,
): Promise<number> {
  if ([...tags.values()].every((digest) => digest === image.index.digest)) return 0;
  let bytesSent = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      bytesSent += await putBlobs(image, store);
      for (const manifest of image.manifests) await store.putManifest(manifest);
      for (const tag of tags.keys()) await store.putManifest(image.index, tag);
      return bytesSent;
    } catch (error) {
      if (!(error instanceof MissingBlobError) || attempt === attempts) throw error;
      await again();
    }
  }
}

async function putBlobs({ lock, configs }: ModelsImage, store: Store): Promise<number> {
  let bytesSent = 0;
  for (const { bytes, digest } of [lock, ...configs]) {
    if ((await store.blobSize(digest)) !== undefined) continue;
    bytesSent += (await store.putBlob(blobOf("part of the models image", bytes, digest))).bytesSent;
  }
  return bytesSent;
}
