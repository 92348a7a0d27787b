import { createHash } from "node:crypto";
import { IntegrityError } from "../errors.ts";
import type { BlobSource } from "../images/blob.ts";
import type { Digest } from "../images/digest.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { ModelsResult } from "../results/stages.ts";
import { eachLimited } from "../retry/each-limited.ts";
import { type SourcePorts, sourceReader } from "./file-reader.ts";
import type { FileVerdict } from "./gate/gate.ts";
import { layerSource } from "./layer-source.ts";
import type { PlannedLayer } from "./pack.ts";
import { layerName } from "./plan.ts";
import type { CheckedFile } from "./sources/checked-file.ts";

export interface BringPorts extends SourcePorts {
  readonly store: Store;
  readonly log: Pick<Log, "info" | "progress">;
}

export interface BringOptions {
  /** Layers side by side; 4 by default. */
  readonly concurrency?: number | undefined;
  /** A repository of the same registry that may have layers already. */
  readonly mountFrom?: Pick<Store, "name" | "blobSize" | "readBlob"> | undefined;
  /** Whether a layer may be copied from there where the registry does not mount it; else it is streamed from its source. */
  readonly allowCopy?: boolean | undefined;
  /** Nothing may be pushed: missing layers are read, hashed, gated and thrown away. */
  readonly checkOnly?: boolean | undefined;
  /** Called for each layer once its digest is known. */
  readonly onLayer?: ((layer: PlannedLayer, digest: Digest) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type LayerState = ModelsResult["layers"][number];

/** What has moved and was seen so far. */
export interface Tally {
  bytesUploaded: number;
  bytesRead: number;
  requests: number;
  readonly verdicts: Map<string, FileVerdict>;
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
  const bar = ports.log.progress(
    options.checkOnly === true ? "checking weights" : "weights",
    total,
  );
  const done = new Map<PlannedLayer, number>();
  const update = (layer: PlannedLayer, bytes: number) => {
    done.set(layer, bytes);
    bar.update([...done.values()].reduce((sum, value) => sum + value, 0));
  };
  const bring = async (layer: PlannedLayer, stop: AbortSignal): Promise<LayerState> => {
    const readers: CheckedFile[] = [];
    const source = layerSource(root, layer, (file) => {
      const reader = sourceReader(root, file, ports, (bytes) => {
        tally.bytesRead += bytes;
      });
      readers.push(reader);
      return reader;
    });
    const context = {
      ...ports,
      ...options,
      signal: stop,
      onProgress: (bytes: number) => update(layer, bytes),
    };
    const state = await bringLayer(layer, source, tally, context);
    await options.onLayer?.(layer, state.digest);
    for (const { verdict } of readers)
      if (verdict !== undefined) tally.verdicts.set(verdict.file, verdict);
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

interface BringContext extends Pick<BringOptions, "mountFrom" | "allowCopy" | "checkOnly"> {
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number) => void;
}

async function bringLayer(
  { digest, size }: PlannedLayer,
  source: BlobSource,
  tally: Tally,
  { store, mountFrom, allowCopy, checkOnly, signal, onProgress }: BringContext,
): Promise<LayerState> {
  if (checkOnly === true)
    return { digest: await hashed(source, signal, onProgress), size, state: "checked" };
  let from = source;
  if (
    digest !== undefined &&
    mountFrom !== undefined &&
    (await mountFrom.blobSize(digest)) === size
  ) {
    if (await store.mountBlob(digest, mountFrom.name)) return { digest, size, state: "mounted" };
    if (allowCopy === true)
      from = { ...source, open: (at, stop) => mountFrom.readBlob(digest, at, stop) };
  }
  const put = await store.putBlob(from, { signal, onProgress });
  tally.bytesUploaded += put.bytesSent;
  return { digest: put.digest, size: put.size, state: "uploaded" };
}

/** Reads a layer whole and throws it away; an IntegrityError if it is not what was promised. */
async function hashed(
  source: BlobSource,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<Digest> {
  const hash = createHash("sha256");
  let at = 0;
  for await (const piece of source.open(0, signal)) {
    hash.update(piece);
    at += piece.length;
    onProgress(at);
  }
  const digest: Digest = `sha256:${hash.digest("hex")}`;
  if (source.digest !== undefined && source.digest !== digest)
    throw new IntegrityError(
      `${source.name}: its layer has the digest ${digest}, the lock says ${source.digest}.`,
      {
        todo: "The files are right, so the lock's layers are not: run director-image models lock --repack.",
      },
    );
  return digest;
}
