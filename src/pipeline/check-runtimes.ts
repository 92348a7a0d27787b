import { checkLayer } from "../assembly/check-layers.ts";
import { CheckError } from "../errors.ts";
import type { Descriptor } from "../images/descriptor.ts";
import type { Digest } from "../images/digest.ts";
import { parseManifest } from "../images/manifest.ts";
import type { FolderOwner } from "../layers/tar-header.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import { knownLayers } from "./known-layers.ts";
import type { ReadRuntime } from "./runtime-images.ts";

/** Whose the models' root is, by the last runtime layer that has the folder. */
export interface RootOwner {
  readonly layer: Digest;
  readonly owner: FolderOwner;
}

export interface CheckedRuntime extends ReadRuntime {
  readonly rootOwner: RootOwner | undefined;
  /** Bytes of the layers that no published image has. */
  readonly newBytes: number;
}

interface Ports {
  readonly target: Store;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface Checking {
  readonly root: string;
  /** Every model layer of the lock, baked or not. */
  readonly weights: readonly Digest[];
  /** Tags of the target. */
  readonly published: readonly string[];
}

/**
 * Reads the layers that no published image of the same root has, for entries that touch the weights (CheckError), and finds whose
 * the root is: of the layers that are not read, a published image says it.
 */
export async function checkRuntimes(
  runtimes: readonly ReadRuntime[],
  { root, weights, published }: Checking,
  ports: Ports,
): Promise<readonly CheckedRuntime[]> {
  const { log, signal } = ports;
  for (const { image } of runtimes) refuseWeights(parseManifest(image.manifest).layers, weights);
  const known = await knownLayers(published, root, ports.target, log);
  const checked: CheckedRuntime[] = [];
  for (const runtime of runtimes) {
    let rootOwner: RootOwner | undefined;
    let read = 0;
    let newBytes = 0;
    for (const layer of parseManifest(runtime.image.manifest).layers) {
      if (!known.has(layer.digest)) {
        known.set(layer.digest, await checkLayer(layer, root, runtime.store, signal));
        read += 1;
        newBytes += layer.size;
      }
      const owner = known.get(layer.digest);
      if (owner !== undefined) rootOwner = { layer: layer.digest, owner };
    }
    log.debug(
      `${runtime.platform}: ${read} new runtime layers were read for entries under ${root}.`,
    );
    checked.push({ ...runtime, rootOwner, newBytes });
  }
  return checked;
}

/** How a platform's manifest says whose the root is: the layer, `uid:gid` and the mode. */
export function ownerText({ layer, owner: { uid, gid, mode } }: RootOwner): string {
  return `${layer} ${uid}:${gid} ${mode.toString(8).padStart(4, "0")}`;
}

function refuseWeights(layers: readonly Descriptor[], weights: readonly Digest[]): void {
  const brought = layers.find(({ digest }) => weights.includes(digest));
  if (brought !== undefined)
    throw new CheckError(`The runtime image already brings the model layer ${brought.digest}.`, {
      todo: "Give the image that BuildKit made (stage runtime), not an assembled one or one built on it.",
    });
}
