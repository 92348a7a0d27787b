import { isAdded, runtimePart } from "./added-layers.ts";
import type { ImageConfig } from "./assemble.ts";
import { type FieldChange, fieldChanges } from "./config-changes.ts";
import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import type { Manifest } from "./manifest.ts";
import { names } from "./names.ts";
import type { Platform } from "./platform.ts";
import { isUnchanged } from "./unchanged.ts";

/** An image as it is published: its platforms with their manifests and configs. */
export interface Image {
  readonly digest: Digest;
  readonly platforms: readonly PlatformImage[];
}

export interface PlatformImage {
  readonly platform: Platform;
  readonly digest: Digest;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
}

/** What a layer of a final image is: weights, software, or the models lock. */
type Part = "models" | "runtime" | "lock";

/**
 * What becomes of a layer where the old image is there. `kept`: nothing. `moved`: the blob is there, but other layers lie below it now, so that
 * it is unpacked again (and fetched again by Docker's classic store). `new`: it is fetched and unpacked.
 */
type LayerState = "kept" | "moved" | "new";

interface LayerChange {
  readonly digest: Digest;
  /** Bytes as stored. */
  readonly size: number;
  readonly part: Part;
  /** What the image's history says of it. */
  readonly what: string;
}

export interface PlatformDifference {
  readonly platform: Platform;
  /** Absent for a platform that the old image has not. */
  readonly from?: Digest;
  readonly to: Digest;
  readonly unchanged: boolean;
  /** As stored: a compressed layer is larger when it is unpacked. */
  readonly bytes: {
    /** Of the layers that the old image has not. */
    readonly download: number;
    /** Of the layers above the first that differs: what is written anew, and what Docker's classic store fetches. */
    readonly unpack: number;
    readonly total: number;
  };
  readonly layers: readonly (LayerChange & { readonly state: LayerState })[];
  /** Layers of the old image that the new one has not. */
  readonly gone: readonly LayerChange[];
  readonly base?: { readonly from: string; readonly to: string };
  readonly config: readonly FieldChange[];
}

export interface Difference {
  readonly from: Digest;
  readonly to: Digest;
  readonly unchanged: boolean;
  readonly platforms: readonly PlatformDifference[];
  /** Platforms that the new image has no longer. */
  readonly gone: readonly Platform[];
}

/** What an operator who has the old image gets by the new one. Pure. */
export function difference(old: Image, now: Image): Difference {
  const platforms = now.platforms.map((one) =>
    platformDifference(
      old.platforms.find(({ platform }) => platform === one.platform),
      one,
    ),
  );
  const has = new Set(now.platforms.map(({ platform }) => platform));
  const gone = old.platforms.map(({ platform }) => platform).filter((name) => !has.has(name));
  const unchanged = gone.length === 0 && platforms.every((one) => one.unchanged);
  return { from: old.digest, to: now.digest, unchanged, platforms, gone };
}

function platformDifference(
  old: PlatformImage | undefined,
  now: PlatformImage,
): PlatformDifference {
  const [before, after] = [old === undefined ? [] : layersOf(old), layersOf(now)];
  const stored = new Set(before.map(({ digest }) => digest));
  const same = commonChain(old, now);
  const stays = new Set(after.map(({ digest }) => digest));
  const stateOf = ({ digest }: LayerChange, at: number): LayerState =>
    at < same ? "kept" : stored.has(digest) ? "moved" : "new";
  const layers = after.map((layer, at) => ({ ...layer, state: stateOf(layer, at) }));
  const base = baseChange(old, now);
  return {
    platform: now.platform,
    ...(old === undefined ? {} : { from: old.digest }),
    to: now.digest,
    unchanged: old !== undefined && isUnchanged(old, now),
    bytes: {
      download: bytes(once(layers.filter(({ state }) => state === "new"))),
      unpack: bytes(layers.slice(same)),
      total: bytes(once(layers)),
    },
    layers,
    gone: before.filter(({ digest }) => !stays.has(digest)),
    ...(base === undefined ? {} : { base }),
    config: old === undefined ? [] : fieldChanges(old.config, now.config),
  };
}

/** How many layers, from the lowest up, are the same: engines know an unpacked layer by the chain of layers under it. */
function commonChain(old: PlatformImage | undefined, now: PlatformImage): number {
  const [before, after] = [old?.config.rootfs.diff_ids ?? [], now.config.rootfs.diff_ids];
  const at = after.findIndex((diffId, index) => diffId !== before[index]);
  return at === -1 ? after.length : at;
}

function layersOf({ manifest: { layers }, config }: PlatformImage): readonly LayerChange[] {
  const runtime = new Set<Descriptor>(runtimePart(layers, config)?.layers ?? layers);
  const history = (config.history ?? []).filter(({ empty_layer }) => empty_layer !== true);
  return layers.map((layer, at) => ({
    digest: layer.digest,
    size: layer.size,
    part: runtime.has(layer) ? "runtime" : at === layers.length - 1 ? "lock" : "models",
    what: history.length === layers.length ? whatOf(history[at]) : "",
  }));
}

function whatOf(entry: { readonly created_by?: string } | undefined): string {
  const text = entry?.created_by ?? "";
  return isAdded(entry) ? text.replace(/^director-image: /, "") : text;
}

/** The Dockerfile's base by name and digest, as the images' labels have it. */
function baseChange(
  old: PlatformImage | undefined,
  now: PlatformImage,
): PlatformDifference["base"] | undefined {
  const [from, to] = [old === undefined ? "" : baseOf(old.config), baseOf(now.config)];
  return old === undefined || from === to ? undefined : { from, to };
}

function baseOf({ config }: ImageConfig): string {
  const labels = config?.Labels ?? {};
  const digest = labels[names.base.digest];
  const name = labels[names.base.name] ?? "unknown";
  return digest === undefined ? name : `${name}@${digest}`;
}

/** A blob is stored once, however often an image has it. */
function once(layers: readonly LayerChange[]): readonly LayerChange[] {
  return [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
}

function bytes(layers: readonly LayerChange[]): number {
  return layers.reduce((sum, { size }) => sum + size, 0);
}
