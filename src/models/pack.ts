import { UsageError } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import {
  filesOf,
  type LockedFile,
  type LockedLayer,
  type LockedModel,
  type ModelDelivery,
  type ModelFile,
  sizeOfLayer,
} from "./lock.ts";

/** A file of this size or more is a layer of its own (64 MiB). */
export const ownLayerSize = 64 * 2 ** 20;

/** More model layers would leave the runtime too few: Docker's classic store holds 125 in all. */
export const largestLayerCount = 40;

/** Files are not put together in layers above this size: GHCR's limit, 10 GB. */
export const largestLayerSize = 10_000_000_000;

/** A layer to be: its files are known, its digest where the layer was there before. */
export interface PlannedLayer {
  readonly digest: Digest | undefined;
  readonly size: number;
  readonly files: readonly ModelFile[];
}

export interface PackOptions {
  readonly root: string;
  /** Models and layers of the lock before: layers none of whose files changed stay, at their place. */
  readonly previous?:
    | { readonly models: readonly LockedModel[]; readonly layers: readonly LockedLayer[] }
    | undefined;
}

/**
 * Files to layers (design: "Packing of new files"). Unchanged layers stay first, in their order; of the others, files of 64 MiB or more
 * are layers of their own, the rest is bundled per model, largest first; neighbours are joined where there would be more than 40.
 * A UsageError with the count where that is not enough.
 */
export function packFiles(
  models: readonly LockedModel[],
  { root, previous }: PackOptions,
): readonly PlannedLayer[] {
  const kept = keptLayers(models, root, previous);
  const placed = new Set(kept.flatMap(({ files }) => files.map(({ id }) => id)));
  const groups = models.flatMap((model) =>
    packModel(filesOf([model]).filter(({ id }) => !placed.has(id))),
  );
  const added = joinNeighbours(groups, largestLayerCount - kept.length);
  const count = kept.length + added.length;
  if (count > largestLayerCount) {
    throw new UsageError(
      `The models make ${count} layers even with neighbours joined up to 10 GB; at most ${largestLayerCount} are wanted.`,
      {
        todo:
          kept.length === 0
            ? "Take models or files out of the spec."
            : `${kept.length} layers of the lock before were kept: pack afresh with --repack.`,
      },
    );
  }
  return [...kept, ...added.map(({ files }) => plannedLayer(root, files))];
}

export function plannedLayer(
  root: string,
  files: readonly ModelFile[],
  digest?: Digest,
): PlannedLayer {
  const sorted = files.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { digest, size: sizeOfLayer(root, sorted), files: sorted };
}

/** The layers of a lock with their files. */
export function layersOf(
  models: readonly LockedModel[],
  layers: readonly LockedLayer[],
): readonly PlannedLayer[] {
  const files = new Map(filesOf(models).map((file) => [file.id, file]));
  return layers.map((layer) => ({
    digest: layer.digest,
    size: layer.size,
    files: layer.files.flatMap((id) => files.get(id) ?? []),
  }));
}

function keptLayers(
  models: readonly LockedModel[],
  root: string,
  previous: PackOptions["previous"],
): readonly PlannedLayer[] {
  if (previous === undefined) return [];
  const now = new Map(filesOf(models).map((file) => [file.id, file]));
  const before = new Map(filesOf(previous.models).map(({ id, file }) => [id, file]));
  return previous.layers.flatMap(({ digest, size, files: ids }) => {
    const files = ids.flatMap((id) => {
      const file = now.get(id);
      return file !== undefined && sameBytes(file.file, before.get(id)) ? [file] : [];
    });
    const whole = files.length === ids.length && sizeOfLayer(root, files) === size;
    return whole && deliveriesOf(files).size === 1 ? [{ digest, size, files }] : [];
  });
}

function sameBytes(file: LockedFile, before: LockedFile | undefined): boolean {
  return before !== undefined && before.sha256 === file.sha256 && before.size === file.size;
}

export function deliveriesOf(files: readonly ModelFile[]): ReadonlySet<ModelDelivery> {
  return new Set(files.map(({ model }) => model.delivery));
}

/** Files of one delivery that become one layer, and its bytes at most. */
interface Group {
  readonly files: readonly ModelFile[];
  readonly size: number;
}

/** Groups of one model: the large files each alone, then bundles of the others. */
function packModel(files: readonly ModelFile[]): readonly Group[] {
  const sorted = files.toSorted((a, b) => b.file.size - a.file.size || (a.id < b.id ? -1 : 1));
  const groups = sorted.map((file) => ({ files: [file], size: bound(file) }));
  const large = groups.filter(({ files: [file] }) => (file?.file.size ?? 0) >= ownLayerSize);
  return [...large, ...joinUpTo(groups.slice(large.length), largestLayerSize)];
}

/** Joins neighbours of equal delivery until at most `wanted` groups are left, under the smallest size limit that does it. */
function joinNeighbours(groups: readonly Group[], wanted: number): readonly Group[] {
  if (groups.length <= wanted) return groups;
  let [low, high] = [0, largestLayerSize];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (joinUpTo(groups, middle).length <= wanted) high = middle;
    else low = middle + 1;
  }
  return joinUpTo(groups, low);
}

function joinUpTo(groups: readonly Group[], limit: number): readonly Group[] {
  const joined: { files: ModelFile[]; size: number }[] = [];
  for (const { files, size } of groups) {
    const last = joined.at(-1);
    const delivery = files[0]?.model.delivery;
    if (
      last !== undefined &&
      last.size + size <= limit &&
      last.files[0]?.model.delivery === delivery
    ) {
      last.files.push(...files);
      last.size += size;
    } else joined.push({ files: [...files], size });
  }
  return joined;
}

/** Bytes that a file takes in a layer, at most: its content in whole blocks, its header, and folders of its own. */
function bound({ id, file }: ModelFile): number {
  return file.size + 512 * (8 + 4 * id.split("/").length) + 4 * Buffer.byteLength(id);
}
