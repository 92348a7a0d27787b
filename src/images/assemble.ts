import { CheckError } from "../errors.ts";
import { addedEntry, type HistoryEntry, isAdded } from "./added-layers.ts";
import { annotated, sorted } from "./annotations.ts";
import { type Descriptor, mediaTypes, type PlatformFields } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import {
  type Document,
  descriptorOf,
  document,
  type Index,
  type Manifest,
  parseManifest,
} from "./manifest.ts";
import { names } from "./names.ts";
import { platformName } from "./platform.ts";

/** Docker's classic store cannot hold more. */
const layerCountLimit = 125;

/** What BuildKit made for one platform: its manifest, and its config as parsed JSON with every field. */
export interface RuntimeImage {
  readonly platform: PlatformFields;
  readonly manifest: Document;
  readonly config: ImageConfig;
}

/** OCI image specification, config.md; Docker's further fields (Healthcheck) are among the unknown ones. */
export interface ImageConfig {
  readonly created?: string;
  readonly config?: {
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly Volumes?: Readonly<Record<string, object>> | null;
    readonly [unknown: string]: unknown;
  };
  readonly rootfs: { readonly type: "layers"; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
  readonly [unknown: string]: unknown;
}

/** An uncompressed layer, whose digest is its diff_id, and what its history entry says. */
export interface RawLayer {
  readonly digest: Digest;
  readonly size: number;
  readonly what: string;
}

export interface Additions {
  /** Absolute path under which the weights are, such as `/models`. */
  readonly root: string;
  /** Model layers, lowest first: they lie below the runtime. */
  readonly models: readonly RawLayer[];
  /** The lock's own tiny layer, on top of everything; absent for an image that knows no models. */
  readonly lock: RawLayer | undefined;
  /** RFC 3339, the commit's time. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface AssembledPlatform {
  readonly platform: PlatformFields;
  readonly config: Document;
  readonly manifest: Document;
  readonly runtimeDigest: Digest;
  /** Bytes of all layers as they are stored. */
  readonly size: number;
}

/** Puts the model layers below the runtime's and the lock above: by writing a manifest and a config only. A CheckError says why not. */
export function assemblePlatform(runtime: RuntimeImage, additions: Additions): AssembledPlatform {
  const manifest = parseManifest(runtime.manifest);
  const where = `The runtime image ${runtime.manifest.digest} (${platformName(runtime.platform)})`;
  const { models, lock, root } = additions;
  const refused = refusal(
    manifest,
    runtime.config,
    root,
    models.length + (lock === undefined ? 0 : 1),
  );
  if (refused !== undefined)
    throw new CheckError(`${where} ${refused.seen}.`, { todo: refused.todo });

  const added = (layer: RawLayer): Descriptor => ({
    mediaType: mediaTypes.tar,
    digest: layer.digest,
    size: layer.size,
  });
  const above = lock === undefined ? [] : [lock];
  const layers = [...models.map(added), ...manifest.layers, ...above.map(added)];
  const config = document(mediaTypes.config, finalConfig(runtime.config, additions));
  const final = document(mediaTypes.manifest, {
    ...manifest,
    mediaType: mediaTypes.manifest,
    config: { ...manifest.config, ...descriptorOf(config) },
    layers,
    ...annotated({ ...manifest.annotations, ...additions.annotations }),
  } satisfies Manifest);
  return {
    platform: runtime.platform,
    config,
    manifest: final,
    runtimeDigest: runtime.manifest.digest,
    size: layers.reduce((sum, layer) => sum + layer.size, 0),
  };
}

/** The index over the platforms, in the order given, and over nothing else. */
export function assembleIndex(
  platforms: readonly AssembledPlatform[],
  annotations: Readonly<Record<string, string>>,
): Document {
  return document(mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: platforms.map(({ manifest, platform }) => descriptorOf(manifest, { platform })),
    ...annotated(annotations),
  } satisfies Index);
}

/** Why a runtime image cannot carry these models; its layers' contents are judged elsewhere (assembly/refusal.ts). */
function refusal(
  manifest: Manifest,
  config: ImageConfig,
  root: string,
  added: number,
): { seen: string; todo: string } | undefined {
  const labels = config.config?.Labels ?? {};
  const carried = labels[names.models];
  if (carried !== undefined || labels[names.root] !== undefined || config.history?.some(isAdded)) {
    return {
      seen:
        carried === undefined
          ? "was put together with models already"
          : `already carries the models image ${carried}`,
      todo: "Give the image that BuildKit made (stage runtime), not an assembled one.",
    };
  }
  const foreign = [manifest.config, ...manifest.layers].find(
    ({ mediaType }) => !mediaType.startsWith("application/vnd.oci."),
  );
  if (foreign !== undefined) {
    return {
      seen: `has a part of type ${foreign.mediaType}`,
      todo: "Only OCI media types are wanted: build with oci-mediatypes=true.",
    };
  }
  const volume = Object.keys(config.config?.Volumes ?? {}).find((path) => overlaps(path, root));
  if (volume !== undefined) {
    return {
      seen: `has VOLUME ${volume}, which touches the models' root ${root}`,
      todo: "Take the VOLUME out of the Dockerfile: Docker would copy every weight into a new volume at each docker create.",
    };
  }
  if (config.rootfs.diff_ids.length !== manifest.layers.length) {
    return {
      seen: `has ${manifest.layers.length} layers but ${config.rootfs.diff_ids.length} diff_ids`,
      todo: "Build it again.",
    };
  }
  const count = manifest.layers.length + added;
  if (count > layerCountLimit) {
    return {
      seen: `would have ${count} layers with the models`,
      todo: `Docker's classic store holds ${layerCountLimit} at most: join RUN and COPY steps, or pack the lock anew (models lock --repack).`,
    };
  }
  return undefined;
}

function finalConfig(
  config: ImageConfig,
  { root, models, lock, created, labels }: Additions,
): ImageConfig {
  const { "moby.buildkit.cache.v0": _cache, ...kept } = config;
  const entry = ({ what }: RawLayer) => addedEntry(what);
  const above = lock === undefined ? [] : [lock];
  return {
    ...kept,
    created,
    config: {
      ...config.config,
      Labels: sorted({ ...config.config?.Labels, ...labels, [names.root]: root }),
    },
    rootfs: {
      ...config.rootfs,
      type: "layers",
      diff_ids: [
        ...models.map(({ digest }) => digest),
        ...config.rootfs.diff_ids,
        ...above.map(({ digest }) => digest),
      ],
    },
    history: [...models.map(entry), ...filledHistory(config), ...above.map(entry)],
  } as ImageConfig;
}

/** One entry per layer, beside those that say `empty_layer`; what is missing is filled in, what is too much is marked empty. */
function filledHistory({ history = [], rootfs }: ImageConfig): readonly HistoryEntry[] {
  let missing =
    rootfs.diff_ids.length - history.filter(({ empty_layer }) => empty_layer !== true).length;
  if (missing >= 0)
    return [
      ...history,
      ...Array.from({ length: missing }, () => ({
        created_by: "unknown",
        comment: "filled in by director-image",
      })),
    ];
  return history
    .toReversed()
    .map((entry) =>
      entry.empty_layer !== true && missing++ < 0 ? { ...entry, empty_layer: true } : entry,
    )
    .toReversed();
}

function overlaps(path: string, root: string): boolean {
  const [a, b] = [`${path.replace(/\/+$/, "")}/`, `${root.replace(/\/+$/, "")}/`];
  return a.startsWith(b) || b.startsWith(a);
}
