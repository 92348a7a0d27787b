import { blobOf } from "../../../src/images/blob.ts";
import { mediaTypes } from "../../../src/images/descriptor.ts";
import { type Digest, digestOf } from "../../../src/images/digest.ts";
import {
  type Document,
  descriptorOf,
  document,
  parseIndex,
  parseManifest,
} from "../../../src/images/manifest.ts";
import { readConfigBlob } from "../../../src/pipeline/runtime-images.ts";
import type { Published } from "./published.ts";

/** The image with its only platform's manifest and config changed. */
async function changedImage(
  { store, index, ...image }: Published,
  change: (layers: Digest[]) => Promise<void> | void,
  more: object = {},
): Promise<Published> {
  const [platform] = parseIndex(index).manifests;
  const before = platform && (await store.readManifest(platform.digest));
  if (before === undefined) throw new Error("the image has no platform");
  const { layers, config: _config, ...manifest } = parseManifest(before);
  const old = await readConfigBlob(before, store);
  const digests = layers.map(({ digest }) => digest);
  await change(digests);
  const rootfs = { ...old.rootfs, diff_ids: digests };
  const config = document(mediaTypes.config, { ...old, ...more, rootfs });
  await store.putBlob(blobOf("config", config.bytes, config.digest));
  const sized = await Promise.all(
    digests.map(async (digest, at) => {
      const size = (await store.blobSize(digest)) ?? 0;
      return { ...layers[at], digest, size, mediaType: mediaTypes.tar };
    }),
  );
  const own = document(mediaTypes.manifest, {
    ...{ ...manifest, config: descriptorOf(config), layers: sized },
  });
  const changed: Document = document(mediaTypes.index, {
    ...parseIndex(index),
    manifests: [descriptorOf(own, { platform: platform?.platform })],
  });
  await store.putManifest(own);
  await store.putManifest(changed);
  return { ...image, store, index: changed };
}

/** What it starts is another thing. */
export const withEnvironment = (image: Published) =>
  changedImage(image, () => undefined, { config: { Env: ["LD_PRELOAD=/evil.so"] } });

/** A config that says something else, whatever it is. */
export const withConfig = (image: Published, more: object) =>
  changedImage(image, () => undefined, more);

/** The lowest model layer is another one; all that is said of the image stays. */
export const withWeights = (image: Published) =>
  changedImage(image, async (layers) => {
    const bytes = new TextEncoder().encode("other weights".padEnd(1024));
    layers[0] = digestOf(bytes);
    await image.store.putBlob(blobOf("evil", bytes, layers[0]));
  });
