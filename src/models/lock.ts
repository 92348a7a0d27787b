import type { Digest } from "../images/digest.ts";
import { layerSize } from "../layers/layer.ts";

/** `models.lock.json` (design: "The models spec and the models lock"): which files, from where, their hashes, and their layers. */
export interface Lock {
  readonly version: 1;
  /** Absolute path in the image, such as `/models`. */
  readonly root: string;
  readonly models: readonly LockedModel[];
  /** Absent in an open lock, whose bytes nobody has read yet. */
  readonly layers?: readonly LockedLayer[] | undefined;
}

export interface LockedModel {
  readonly name: string;
  readonly title: string;
  readonly delivery: ModelDelivery;
  readonly license?: string | undefined;
  readonly source: ModelSource;
  /** Addresses of folders that hold the same files, tried in order after the source. */
  readonly mirrors?: readonly string[] | undefined;
  readonly files: readonly LockedFile[];
}

export type ModelDelivery = "bake" | "mount";

/** A repository of the hub at a commit, or the address of a folder (`https:`, `file:`, `http:` on loopback). */
export type ModelSource =
  | { readonly huggingface: string; readonly revision: string }
  | { readonly url: string };

export interface LockedFile {
  /** Below the model's folder. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  /** Why a file that the weights gate would refuse is wanted all the same. */
  readonly allow?: string | undefined;
}

export interface LockedLayer {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** `<name>/<path>` of each file, sorted. */
  readonly files: readonly string[];
}

/** A lock whose layers are known. */
export type CompleteLock = Lock & { readonly layers: readonly LockedLayer[] };

/** The lock's own place below the root. */
export const lockName = "models.lock.json";

/** A file of a lock with the model that it belongs to. */
export interface ModelFile {
  /** `<name>/<path>`: how layers and messages name it. */
  readonly id: string;
  readonly model: LockedModel;
  readonly file: LockedFile;
}

/** Every file of the lock, in its order. */
export function filesOf(models: readonly LockedModel[]): readonly ModelFile[] {
  return models.flatMap((model) =>
    model.files.map((file) => ({ id: `${model.name}/${file.path}`, model, file })),
  );
}

/** A file's path in the image, without leading slash. */
export function imagePath(root: string, id: string): string {
  return `${root.slice(1)}/${id}`;
}

/** Bytes of the layer that holds these files. */
export function sizeOfLayer(root: string, files: readonly ModelFile[]): number {
  return layerSize(files.map(({ id, file }) => ({ path: imagePath(root, id), size: file.size })));
}

export function isComplete(lock: Lock): lock is CompleteLock {
  return lock.layers !== undefined;
}
