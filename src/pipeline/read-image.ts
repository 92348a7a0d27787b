import { UsageError } from "../errors.ts";
import type { Image } from "../images/difference.ts";
import { parseManifest } from "../images/manifest.ts";
import { names } from "../images/names.ts";
import type { Lock } from "../models/lock.ts";
import { publishedLock } from "../models/published.ts";
import type { Store } from "../ports/store.ts";
import { readRuntime, runtimePlatforms } from "./runtime-images.ts";

/** An image with the lock that it carries, under the root that its label names; undefined where it carries none. */
export interface ReadImage {
  readonly image: Image;
  readonly lock: Lock | undefined;
}

/** Reads an image by tag or digest: manifests, configs and the lock, no other layer. A UsageError if there is none. */
export async function readImage(reference: string, store: Store): Promise<ReadImage> {
  const digest = await store.manifestDigest(reference);
  if (digest === undefined)
    throw new UsageError(`There is no image ${reference} in ${store.name}.`);
  const runtimes = await Promise.all((await runtimePlatforms(digest, store)).map(readRuntime));
  const image: Image = {
    digest,
    platforms: runtimes.map(({ platform, image: { manifest, config }, digest: own }) => ({
      ...{ platform, digest: own, manifest: parseManifest(manifest), config },
    })),
  };
  const root = image.platforms[0]?.config.config?.Labels?.[names.root];
  const lock = root === undefined ? undefined : await publishedLock(store, digest, root);
  return { image, lock };
}
