import { IntegrityError } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import { eachLimited } from "../retry/each-limited.ts";
import { bringLayer, type LayerState, layerReading } from "./bring-layer.ts";
import type { SourcePorts } from "./file-reader.ts";
import type { FileVerdict } from "./gate/gate.ts";
import type { LayerVerdict } from "./layer-verdict.ts";
import type { PlannedLayer } from "./pack.ts";
import { layerName } from "./plan.ts";
import { sharedProgress } from "./shared-progress.ts";

export interface BringPorts extends SourcePorts {
  readonly store: Store;
  readonly log: Pick<Log, "info" | "progress">;
}

export interface BringOptions {
  /** Layers side by side; 4 by default. */
  readonly concurrency?: number | undefined;
  /** A repository of the same registry that may have layers already. */
  readonly mountFrom?:
    | Pick<Store, "name" | "blobSize" | "readBlob" | "readManifest" | "tags">
    | undefined;
  /** Whether a layer may be copied from there where the registry does not mount it; else it is streamed from its source. */
  readonly allowCopy?: boolean | undefined;
  /** Nothing may be pushed: missing layers are read, hashed, gated and thrown away. */
  readonly checkOnly?: boolean | undefined;
  /** A layer that the hub does not show is left out (`gated`): the run has no token, and nobody who could give it one. */
  readonly leaveGated?: boolean | undefined;
  /** Called for each layer once its digest is known, with the verdict where its bytes came through here. */
  readonly onLayer?:
    | ((layer: PlannedLayer, digest: Digest, verdict?: LayerVerdict) => Promise<void>)
    | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What has moved and was seen so far. */
export interface Tally {
  bytesUploaded: number;
  bytesRead: number;
  requests: number;
  readonly verdicts: Map<string, FileVerdict>;
  /** Verdicts of the present rules, by layer. */
  readonly layers: Map<Digest, LayerVerdict>;
  /** Layers that were read back from the store to be gated. */
  readonly readBack: Set<Digest>;
}

/** Brings every layer to the store, and says of each how it got there. */
export async function bringLayers(
  root: string,
  planned: readonly PlannedLayer[],
  tally: Tally,
  ports: BringPorts,
  options: BringOptions,
): Promise<readonly LayerState[]> {
  const { store } = ports;
  const { concurrency = 4, signal } = options;
  const found = await eachLimited(
    planned,
    2 * concurrency,
    (layer) => presence(layer, store),
    signal,
  );
  const missing = planned.filter((_, at) => !found[at]);
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  const label = options.checkOnly === true ? "checking weights" : "weights";
  const bar = sharedProgress(ports.log, label, total);
  const bring = async (layer: PlannedLayer, stop: AbortSignal): Promise<LayerState> => {
    const read = layerReading(root, layer, ports, (bytes) => {
      tally.bytesRead += bytes;
    });
    const onProgress = (bytes: number) => bar.update(layer, bytes);
    const context = { ...ports, ...options, signal: stop, onProgress };
    const { state, bytesSent, verdict, verdicts } = await bringLayer(root, layer, read, context);
    tally.bytesUploaded += bytesSent;
    if (verdict !== undefined) tally.layers.set(state.digest, verdict);
    await options.onLayer?.(layer, state.digest, verdict);
    for (const one of verdicts) tally.verdicts.set(one.file, one);
    return state;
  };
  try {
    const brought = await eachLimited(missing, concurrency, bring, signal);
    const states = new Map(missing.map((layer, at) => [layer, brought[at]]));
    return planned.map(
      (layer) =>
        states.get(layer) ?? { digest: layer.digest as Digest, size: layer.size, state: "present" },
    );
  } finally {
    bar.end();
  }
}

async function presence({ digest, size, files }: PlannedLayer, store: Store): Promise<boolean> {
  if (digest === undefined) return false;
  const seen = await store.blobSize(digest);
  if (seen !== undefined && seen !== size)
    throw new IntegrityError(
      `${layerName(files)}: ${store.name} has the layer ${digest} with ${seen} bytes, the lock says ${size}.`,
    );
  return seen !== undefined;
}
