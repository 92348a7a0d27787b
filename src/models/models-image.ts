import { annotated, sorted } from "../images/annotations.ts";
import { mediaTypes } from "../images/descriptor.ts";
import type { Digest } from "../images/digest.ts";
import {
  type Document,
  descriptorOf,
  document,
  type Index,
  type Manifest,
} from "../images/manifest.ts";
import { names } from "../images/names.ts";
import { type Platform, parsePlatform } from "../images/platform.ts";
import { lockLayer } from "./layer-source.ts";
import { type LayerVerdict, verdictAnnotation } from "./layer-verdict.ts";
import type { CompleteLock } from "./lock.ts";

type Texts = Readonly<Record<string, string>>;

export interface ModelsImageOptions {
  readonly platforms: readonly Platform[];
  /** Of the configs; nothing that changes from run to run. */
  readonly labels?: Texts | undefined;
  /** Of index and manifests; `org.opencontainers.image.source` links the package to its repository on GHCR. */
  readonly annotations?: Texts | undefined;
}

/** What is to be written besides the model layers. */
export interface ModelsImage {
  readonly lock: { readonly digest: Digest; readonly size: number; readonly bytes: Uint8Array };
  readonly configs: readonly Document[];
  readonly manifests: readonly Document[];
  readonly index: Document;
}

/**
 * The models image: an index with one manifest per platform, all over the same layers, the lock's own layer last. Each model layer's
 * descriptor carries the gate's verdict and the version of its rules.
 */
export function modelsImage(
  lock: CompleteLock,
  verdicts: ReadonlyMap<Digest, LayerVerdict>,
  { platforms, labels = {}, annotations = {} }: ModelsImageOptions,
): ModelsImage {
  const own = lockLayer(lock);
  const layers = [
    ...lock.layers.map(({ digest, size, files }) => ({ digest, size, what: files.join(" ") })),
    { digest: own.digest, size: own.size, what: "models.lock.json" },
  ];
  const created = "1970-01-01T00:00:00Z";
  const parts = platforms.map((name) => {
    const platform = parsePlatform(name);
    const config = document(mediaTypes.config, {
      created,
      ...platform,
      config: { Labels: sorted({ ...labels, [names.root]: lock.root }) },
      rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
      history: layers.map(({ what }) => ({
        created,
        created_by: `director-image: ${what.length > 200 ? `${what.slice(0, 199)}…` : what}`,
        comment: "director-image",
      })),
    });
    const manifest = document(mediaTypes.manifest, {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: descriptorOf(config),
      layers: layers.map(({ digest, size }) => {
        const verdict = verdicts.get(digest);
        const annotations = verdict === undefined ? {} : verdictAnnotation(verdict);
        return { mediaType: mediaTypes.tar, digest, size, ...annotated(annotations) };
      }),
      ...annotated(annotations),
    } satisfies Manifest);
    return { platform, config, manifest };
  });
  const index = document(mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: parts.map(({ manifest, platform }) => descriptorOf(manifest, { platform })),
    ...annotated(annotations),
  } satisfies Index);
  return {
    lock: own,
    configs: parts.map(({ config }) => config),
    manifests: parts.map(({ manifest }) => manifest),
    index,
  };
}
