import { UsageError } from "../errors.ts";
import type { RawLayer } from "../images/assemble.ts";
import type { Digest } from "../images/digest.ts";
import type { FolderOwner } from "../layers/tar-header.ts";
import { lockLayer } from "../models/layer-source.ts";
import { isComplete, type Lock } from "../models/lock.ts";
import { bakedLayers } from "../models/plan.ts";
import type { PrepareResult } from "../results/stages.ts";

/** What a final image carries of a lock. */
export interface Delivered {
  readonly root: string;
  /** Baked layers, lowest first. */
  readonly models: readonly RawLayer[];
  /** Every model layer of the lock, baked or not. */
  readonly weights: readonly Digest[];
  /** The lock's own layer, which is in every image. */
  readonly lock: (owner?: FolderOwner) => RawLayer & { readonly bytes: Uint8Array };
}

/** An open lock is a UsageError: its layers are not known. */
export function delivered(lock: Lock, delivery: PrepareResult["models"]["delivery"]): Delivered {
  if (!isComplete(lock))
    throw new UsageError("The lock has no layers yet.", {
      todo: "Run the stage models (or models push, or models lock) first: it completes an open lock.",
    });
  const models = bakedLayers(lock, delivery).map(({ digest, size, files }) => ({
    digest,
    size,
    what: files.length === 1 ? (files[0] ?? "") : `${files[0]} and ${files.length - 1} more`,
  }));
  return {
    root: lock.root,
    models,
    weights: lock.layers.map(({ digest }) => digest),
    lock: (owner) => ({ ...lockLayer(lock, owner), what: "models.lock.json" }),
  };
}
