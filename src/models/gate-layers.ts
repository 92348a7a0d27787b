import { IntegrityError } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import { eachLimited } from "../retry/each-limited.ts";
import type { Tally } from "./bring-layers.ts";
import { knownVerdicts } from "./known-verdicts.ts";
import { CheckedLayer } from "./layer-check.ts";
import { type LayerVerdict, layerVerdict } from "./layer-verdict.ts";
import type { PlannedLayer } from "./pack.ts";
import { sharedProgress } from "./shared-progress.ts";
import { streamDigest } from "./stream-digest.ts";

type Readable = Pick<Store, "name" | "readManifest" | "readBlob" | "tags">;

export interface GateOptions {
  /** The lock's own. */
  readonly tag: string;
  /** Where layers were mounted from. */
  readonly mountFrom?: Readable | undefined;
  /** Layers side by side; 4 by default. */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with each layer that was read. */
  readonly onLayer?: (layer: PlannedLayer, verdict: LayerVerdict) => Promise<void> | undefined;
}

/**
 * Sees to it that every layer has a verdict of the present rules in the tally: those that nobody gated on their way here have it from a
 * models image, or are read back from the store and gated.
 */
export async function gateLayers(
  root: string,
  layers: readonly PlannedLayer[],
  tally: Tally,
  { store, log }: { readonly store: Store; readonly log: Pick<Log, "info" | "progress"> },
  { tag, mountFrom, concurrency = 4, signal, onLayer }: GateOptions,
): Promise<void> {
  const open = () => layers.filter(({ digest }) => !tally.layers.has(digest as Digest));
  for (const place of mountFrom === undefined ? [store] : [store, mountFrom]) {
    if (open().length === 0) return;
    for (const [{ digest }, verdict] of await knownVerdicts(open(), tag, place))
      tally.layers.set(digest as Digest, verdict);
  }
  const unknown = open();
  if (unknown.length === 0) return;
  log.info(
    `${unknown.length} layers are there without a verdict of the present rules: reading them.`,
  );
  const total = unknown.reduce((sum, { size }) => sum + size, 0);
  const bar = sharedProgress(log, "gating weights", total);
  const gate = async (layer: PlannedLayer, stop: AbortSignal) => {
    const digest = layer.digest as Digest;
    const read = async function* (from: number, aborted?: AbortSignal) {
      for await (const piece of store.readBlob(digest, from, aborted)) {
        tally.bytesRead += piece.length;
        yield piece;
      }
    };
    const checked = new CheckedLayer(root, layer, read);
    await streamDigest(checked, (done) => bar.update(layer, done), stop);
    const { verdicts } = checked;
    if (verdicts === undefined)
      throw new IntegrityError(`The layer ${digest} of ${store.name} is not whole.`);
    const verdict = layerVerdict(verdicts);
    tally.layers.set(digest, verdict);
    tally.readBack.add(digest);
    for (const one of verdicts) tally.verdicts.set(one.file, one);
    await onLayer?.(layer, verdict);
  };
  try {
    await eachLimited(unknown, concurrency, gate, signal);
  } finally {
    bar.end();
  }
}
