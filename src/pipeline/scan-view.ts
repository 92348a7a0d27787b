import { runtimePart } from "../images/added-layers.ts";
import type { ImageConfig } from "../images/assemble.ts";
import { mediaTypes } from "../images/descriptor.ts";
import { type Digest, digestOf } from "../images/digest.ts";
import { type Document, document, parseManifest } from "../images/manifest.ts";
import type { Store } from "../ports/store.ts";
import type { ReadRuntime } from "./runtime-images.ts";

/** What a scanner may read of a platform's image: its runtime, and not one weight. */
export interface ScanView {
  /** Digest of the manifest that is shown: the image's own where it has no weights. */
  readonly digest: Digest;
  readonly config: ImageConfig;
  readonly store: Store;
}

/** The runtime of an image: a final one is shown without the layers that assemble added, by a manifest of its own that is kept nowhere. */
export function scanView({ image: { manifest, config }, store }: ReadRuntime): ScanView {
  const value = parseManifest(manifest);
  const runtime = runtimePart(value.layers, config);
  if (runtime === undefined || runtime.layers.length === value.layers.length) {
    const blobs = [value.config, ...value.layers].map(({ digest }) => digest);
    return { digest: manifest.digest, config, store: only(manifest, blobs, new Map(), store) };
  }
  const shown = { ...config, ...withoutAdded(config, runtime.diffIds) };
  const bytes = new TextEncoder().encode(JSON.stringify(shown));
  const digest = digestOf(bytes);
  const own = document(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest, size: bytes.length },
    layers: runtime.layers,
  });
  const blobs = runtime.layers.map((layer) => layer.digest);
  return {
    ...{ digest: own.digest, config: shown },
    store: only(own, blobs, new Map([[digest, bytes]]), store),
  };
}

/** The fields of a config that count its layers. */
function withoutAdded(
  { rootfs, history = [] }: ImageConfig,
  diffIds: readonly Digest[],
): Pick<ImageConfig, "rootfs" | "history"> {
  const first = rootfs.diff_ids.length === 0 ? 0 : rootfs.diff_ids.indexOf(diffIds[0] as Digest);
  let at = -1;
  const kept = history.filter((entry) => {
    if (entry.empty_layer === true) return true;
    at += 1;
    return at >= first && at < first + diffIds.length;
  });
  return { rootfs: { ...rootfs, diff_ids: diffIds }, history: kept };
}

/** A store with one manifest and its blobs; some of them are made up here. */
function only(
  manifest: Document,
  blobs: readonly Digest[],
  made: ReadonlyMap<Digest, Uint8Array>,
  store: Store,
): Store {
  const has = new Set(blobs);
  return {
    ...store,
    readManifest: async (reference) => (reference === manifest.digest ? manifest : undefined),
    blobSize: async (digest) =>
      made.get(digest)?.length ?? (has.has(digest) ? store.blobSize(digest) : undefined),
    readBlob: async function* (digest, from = 0, signal) {
      const bytes = made.get(digest);
      if (bytes !== undefined) yield bytes.subarray(from);
      else yield* store.readBlob(digest, from, signal);
    },
  };
}
