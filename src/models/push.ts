import type { Digest } from "../images/digest.ts";
import type { Platform } from "../images/platform.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { ModelsResult } from "../results/stages.ts";
import type { LayerState } from "./bring-layer.ts";
import { type BringOptions, type BringPorts, bringLayers, type Tally } from "./bring-layers.ts";
import { openJournal } from "./journal.ts";
import type { CompleteLock, Lock } from "./lock.ts";
import { lockTag } from "./lock-text.ts";
import { modelsImage } from "./models-image.ts";
import type { PlannedLayer } from "./pack.ts";
import { plannedLayers, refuseLargeLayers } from "./plan.ts";
import { publish } from "./publish.ts";
import { completedFrom } from "./published.ts";
import { withHashThread } from "./sources/hash-thread.ts";

export interface PushPorts extends BringPorts {
  readonly files: Pick<Files, "mkdir" | "open" | "readFile" | "rm">;
  readonly log: Pick<Log, "info" | "warning" | "progress">;
  /** Requests that the store has made so far, where it counts them. */
  readonly storeRequests?: (() => number) | undefined;
}

export interface PushOptions extends BringOptions {
  readonly platforms: readonly Platform[];
  /** Of the models image; nothing that changes from run to run, or its digest would. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** A file that remembers the layers of an open lock as they are sent, so that an interrupted push can go on. */
  readonly journal?: string | undefined;
  /** A further tag of the models image. */
  readonly tag?: string | undefined;
}

export interface PushedModels {
  readonly result: ModelsResult;
  /** The lock with its layers; what assemble uses. */
  readonly lock: CompleteLock;
}

/**
 * Makes sure that every model layer of the lock is in the store (asked for by HEAD, mounted, else streamed from its source), and writes
 * the models image. An open lock is completed on the way. Safe to repeat: what is there is not sent again.
 */
export async function pushModels(
  lock: Lock,
  ports: PushPorts,
  options: PushOptions,
): Promise<PushedModels> {
  return await withHashThread((newHash) => push(lock, { newHash, ...ports }, options));
}

async function push(lock: Lock, ports: PushPorts, options: PushOptions): Promise<PushedModels> {
  const { store, storeRequests = () => 0 } = ports;
  const before = storeRequests();
  const tally: Tally = { bytesUploaded: 0, bytesRead: 0, requests: 0, verdicts: new Map() };
  const counted: PushPorts = {
    ...ports,
    fetch: (request) => {
      tally.requests += 1;
      return ports.fetch(request);
    },
  };
  const known = lock.layers === undefined ? ((await completedFrom(store, lock)) ?? lock) : lock;
  const journal =
    options.journal === undefined || known.layers !== undefined
      ? undefined
      : await openJournal(options.journal, lock.root, ports);
  const planned = plannedLayers(known).map((layer) => ({
    ...layer,
    digest: layer.digest ?? journal?.digestOf(layer),
  }));
  refuseLargeLayers(planned, store);
  const bring = { ...options, onLayer: journal?.add };
  let layers = await bringLayers(lock.root, planned, tally, counted, bring);
  const complete = completed(lock, planned, layers);
  let digest: Digest | undefined;
  if (options.checkOnly !== true) {
    const image = modelsImage(complete, options);
    digest = image.index.digest;
    const again = async () => {
      layers = merged(
        layers,
        await bringLayers(lock.root, plannedLayers(complete), tally, counted, options),
      );
    };
    tally.bytesUploaded += await publish(image, tags(lock, options), store, again);
    await journal?.end();
  }
  const result: ModelsResult = {
    ...(digest === undefined ? {} : { digest }),
    repository: store.name,
    layers: [...layers],
    files: [...tally.verdicts.values()]
      .sort((a, b) => (a.file < b.file ? -1 : 1))
      .map((verdict) => ({ ...verdict })),
    bytesUploaded: tally.bytesUploaded,
    bytesRead: tally.bytesRead,
    requests: tally.requests + storeRequests() - before,
  };
  return { result, lock: complete };
}

function tags(lock: Lock, { tag }: PushOptions): readonly string[] {
  return [...new Set([lockTag(lock), ...(tag === undefined ? [] : [tag])])];
}

function completed(
  lock: Lock,
  planned: readonly PlannedLayer[],
  layers: readonly LayerState[],
): CompleteLock {
  return {
    ...lock,
    layers: layers.map(({ digest, size }, at) => ({
      digest,
      size,
      files: planned[at]?.files.map(({ id }) => id) ?? [],
    })),
  };
}

function merged(before: readonly LayerState[], now: readonly LayerState[]): readonly LayerState[] {
  return before.map((layer, at) => (now[at]?.state === "present" ? layer : (now[at] ?? layer)));
}
