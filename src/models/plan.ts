import { UsageError } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import { filesOf, type Lock, type LockedLayer, type ModelFile } from "./lock.ts";
import { lockTag } from "./lock-text.ts";
import { deliveriesOf, layersOf, type PlannedLayer, packFiles } from "./pack.ts";

/** What `models plan` shows. Sizes in bytes. */
export interface ModelsPlan {
  /** The models image's. */
  readonly tag: string;
  /** Whether the lock is open: its layers have no digests yet. */
  readonly open: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly layers: readonly {
    readonly digest: Digest | undefined;
    readonly size: number;
    readonly files: readonly string[];
  }[];
}

/** Layers and sizes of a lock, without a network. A UsageError if a layer is above the limit of the place it goes to. */
export function planModels(
  lock: Lock,
  to?: { name: string; layerLimit: number | undefined },
): ModelsPlan {
  const layers = plannedLayers(lock);
  if (to !== undefined) refuseLargeLayers(layers, to);
  return {
    tag: lockTag(lock),
    open: lock.layers === undefined,
    files: filesOf(lock.models).length,
    bytes: layers.reduce((sum, { size }) => sum + size, 0),
    layers: layers.map(({ digest, size, files }) => ({
      digest,
      size,
      files: files.map(({ id }) => id),
    })),
  };
}

/** The layers that the lock lists, else those that packing gives. */
export function plannedLayers({ root, models, layers }: Lock): readonly PlannedLayer[] {
  return layers === undefined ? packFiles(models, { root }) : layersOf(models, layers);
}

/** A UsageError for the first layer that a store would not take, before anything moves. */
export function refuseLargeLayers(
  layers: readonly PlannedLayer[],
  { name, layerLimit }: { name: string; layerLimit: number | undefined },
): void {
  if (layerLimit === undefined) return;
  const large = layers.find(({ size }) => size > layerLimit);
  if (large === undefined) return;
  throw new UsageError(
    `${layerName(large.files)}: its layer has ${large.size.toLocaleString("en-US")} bytes, ${name} takes at most ${layerLimit.toLocaleString("en-US")}.`,
    {
      todo: "Choose a repository whose weights are split into shards below the limit, or another registry.",
    },
  );
}

/** How messages name a layer: its file, or the first of several. */
export function layerName(files: readonly ModelFile[]): string {
  const [first, ...more] = files;
  return more.length === 0
    ? (first?.id ?? "an empty layer")
    : `${first?.id} and ${more.length} more`;
}

/**
 * The layers that go into the final image (input models-delivery): all for `bake`, none for `mount`, those of models with
 * `"delivery": "bake"` for `hybrid`. A UsageError if a layer holds models of both kinds.
 */
export function bakedLayers(
  lock: Lock & { readonly layers: readonly LockedLayer[] },
  delivery: "hybrid" | "bake" | "mount",
): readonly LockedLayer[] {
  if (delivery === "bake") return lock.layers;
  if (delivery === "mount") return [];
  return layersOf(lock.models, lock.layers).flatMap(({ files }, at) => {
    const kinds = deliveriesOf(files);
    if (kinds.size > 1) {
      throw new UsageError(
        `${layerName(files)}: this layer holds models to bake and models to mount.`,
        { todo: "Run director-image models lock again: it separates them." },
      );
    }
    const layer = lock.layers[at];
    return layer !== undefined && kinds.has("bake") ? [layer] : [];
  });
}
