import { MissingBlobError } from "../errors.ts";
import { blobOf } from "../images/blob.ts";
import type { Store } from "../ports/store.ts";
import type { ModelsImage } from "./models-image.ts";

/** How often the blobs of one image are sent again when the store loses some before their manifest arrives. */
const attempts = 3;

/**
 * Writes the models image: blobs first, then manifests by digest, the index last with its tags. Where the store lost a blob meanwhile,
 * `again` brings the layers once more. Returns the bytes sent; an image that all tags point at already costs one HEAD each.
 */
export async function publish(
  image: ModelsImage,
  tags: readonly string[],
  store: Store,
  again: () => Promise<void>,
): Promise<number> {
  const there = await Promise.all(tags.map((tag) => store.manifestDigest(tag)));
  if (there.every((digest) => digest === image.index.digest)) return 0;
  let bytesSent = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      bytesSent += await putBlobs(image, store);
      for (const manifest of image.manifests) await store.putManifest(manifest);
      for (const tag of tags) await store.putManifest(image.index, tag);
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
