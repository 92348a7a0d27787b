import type { Digest } from "../images/digest.ts";
import type { Platform } from "../images/platform.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { ModelsResult } from "../results/stages.ts";
import type { LayerState } from "./bring-layer.ts";
import { type BringOptions, type BringPorts, bringLayers, type Tally } from "./bring-layers.ts";
import { rulesVersion } from "./gate/gate.ts";
import { gateLayers } from "./gate-layers.ts";
import { type LayerJournal, openJournal } from "./journal.ts";
import { isCurrent, layerVerdict } from "./layer-verdict.ts";
import type { CompleteLock, Lock } from "./lock.ts";
import { lockTag } from "./lock-text.ts";
import { modelsImage } from "./models-image.ts";
import type { PlannedLayer } from "./pack.ts";
import { plannedLayers, refuseLargeLayers } from "./plan.ts";
import { publish, type Tagged, tagged } from "./publish.ts";
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
 * the models image, with the gate's verdict on each layer. An open lock is completed on the way. Safe to repeat: what is there is not sent again.
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
  const tally = newTally();
  const counted: PushPorts = {
    ...ports,
    fetch: (request) => {
      tally.requests += 1;
      return ports.fetch(request);
    },
  };
  const known = lock.layers === undefined ? ((await completedFrom(store, lock)) ?? lock) : lock;
  const journal = await journalOf(known, ports, options);
  const planned = plannedLayers(known).map((layer) => ({
    ...layer,
    digest: layer.digest ?? journal?.digestOf(layer),
  }));
  refuseLargeLayers(planned, store);
  for (const layer of planned) {
    const verdict = journal?.verdictOf(layer);
    if (layer.digest !== undefined && verdict !== undefined && isCurrent(verdict, layer))
      tally.layers.set(layer.digest, verdict);
  }
  const bring = { ...options, onLayer: journal?.add };
  let layers = await bringLayers(lock.root, planned, tally, counted, bring);
  const complete = completed(lock, planned, layers);
  const gated = new Set(layers.flatMap(({ state, digest }) => (state === "gated" ? digest : [])));
  const there = await gateRest(complete, gated, tally, counted, { ...options, journal });
  let digest: Digest | undefined;
  if (options.checkOnly !== true) {
    const image = modelsImage(complete, tally.layers, options);
    digest = image.index.digest;
    const again = async () => {
      layers = merged(
        layers,
        await bringLayers(lock.root, plannedLayers(complete), tally, counted, options),
      );
    };
    tally.bytesUploaded += await publish(image, there, store, again);
    await journal?.end();
  }
  const requests = tally.requests + storeRequests() - before;
  return { result: resultOf(store.name, digest, layers, { ...tally, requests }), lock: complete };
}

function newTally(): Tally {
  const counts = { bytesUploaded: 0, bytesRead: 0, requests: 0 };
  return { ...counts, verdicts: new Map(), layers: new Map(), readBack: new Set() };
}

/** The journal of a push that may have to go on later. */
async function journalOf(
  lock: Lock,
  ports: PushPorts,
  { journal, checkOnly }: PushOptions,
): Promise<LayerJournal | undefined> {
  if (journal === undefined || (lock.layers !== undefined && checkOnly === true)) return undefined;
  return await openJournal(journal, lock.root, ports);
}

/**
 * Gives every layer but those that are `gated` its verdict, and says what the tags of the models image point at. Where that is the image of these layers with nothing
 * but current verdicts, its digest says so, and nothing of it is read.
 */
async function gateRest(
  lock: CompleteLock,
  gated: ReadonlySet<Digest>,
  tally: Tally,
  ports: PushPorts,
  options: Omit<PushOptions, "journal"> & { readonly journal: LayerJournal | undefined },
): Promise<Tagged> {
  const layers = plannedLayers(lock).filter(({ digest = "sha256:" }) => !gated.has(digest));
  const open = layers.flatMap(({ digest = "sha256:" }) =>
    tally.layers.has(digest) ? [] : [digest],
  );
  if (options.checkOnly === true && open.length === 0) return new Map();
  const there = await tagged(tags(lock, options.tag), ports.store);
  if (open.length === 0) return there;
  const assumed = new Map(tally.layers);
  for (const digest of open) assumed.set(digest, layerVerdict([]));
  if (there.get(lockTag(lock)) === modelsImage(lock, assumed, options).index.digest) {
    for (const digest of open) tally.layers.set(digest, layerVerdict([]));
    return there;
  }
  const { concurrency, mountFrom, signal, journal } = options;
  await gateLayers(lock.root, layers, tally, ports, {
    tag: lockTag(lock),
    concurrency,
    mountFrom,
    signal,
    onLayer: (layer, verdict) => journal?.add(layer, layer.digest ?? "sha256:", verdict),
  });
  return there;
}

function resultOf(
  repository: string,
  digest: Digest | undefined,
  layers: readonly LayerState[],
  { verdicts, readBack, bytesUploaded, bytesRead, requests }: Tally,
): ModelsResult {
  return {
    ...(digest === undefined ? {} : { digest }),
    repository,
    gateRules: rulesVersion,
    layers: layers.map((layer) => ({
      ...layer,
      ...(readBack.has(layer.digest) ? { readBack: true } : {}),
    })),
    files: [...verdicts.values()]
      .sort((a, b) => (a.file < b.file ? -1 : 1))
      .map((verdict) => ({ ...verdict })),
    bytesUploaded,
    bytesRead,
    requests,
  };
}

function tags(lock: Lock, tag: string | undefined): readonly string[] {
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
