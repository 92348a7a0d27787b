import type { Log } from "../ports/log.ts";
import { eachLimited } from "../retry/each-limited.ts";
import { changesOf, type LockChanges } from "./changes.ts";
import { type ListedFile, type Listing, type ListingPorts, listModel } from "./listing.ts";
import {
  filesOf,
  isComplete,
  type Lock,
  type LockedModel,
  type ModelFile,
  sizeOfLayer,
} from "./lock.ts";
import { parseLock } from "./lock-parse.ts";
import { formatLock } from "./lock-text.ts";
import { largestLayerSize, type PlannedLayer, packFiles } from "./pack.ts";
import { ReadOnce } from "./read-once.ts";
import { type SharedProgress, sharedProgress } from "./shared-progress.ts";
import { withHashThread } from "./sources/hash-thread.ts";
import type { Spec, SpecModel } from "./spec.ts";

export type ResolvePorts = ListingPorts & {
  readonly log: Pick<Log, "info" | "warning" | "progress">;
};

export interface ResolveOptions {
  /** The lock before. Its revisions stay, and its layers that did not change. */
  readonly previous?: Lock | undefined;
  /** Metadata and small files only, no layers. */
  readonly open?: boolean | undefined;
  /** Branches are looked up anew. */
  readonly update?: boolean | undefined;
  /** Layers are packed afresh. */
  readonly repack?: boolean | undefined;
  /** Files or layers side by side; 4 by default. */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ResolvedLock {
  readonly lock: Lock;
  readonly changes: LockChanges;
  readonly bytesRead: number;
}

/**
 * The lock of a spec (`models lock`): revisions, sizes and hashes from the sources, layers by packing. What is new is read once for its
 * layer's digest; a layer of the lock before whose files did not change is not read.
 */
export async function resolveLock(
  spec: Spec,
  ports: ResolvePorts,
  options: ResolveOptions = {},
): Promise<ResolvedLock> {
  return await withHashThread((newHash) => resolve(spec, { newHash, ...ports }, options));
}

async function resolve(
  spec: Spec,
  ports: ResolvePorts,
  options: ResolveOptions,
): Promise<ResolvedLock> {
  const { previous, concurrency = 4, signal } = options;
  const drafts = await eachLimited(
    spec.models,
    concurrency,
    async (model, stop) => {
      const before = previous?.models.find(({ name }) => name === model.name);
      const listing = await listModel(
        { ...model, source: revisionOf(model, before, options) },
        ports,
        stop,
      );
      return draftOf(model, listing, before, options);
    },
    signal,
  );
  const reader = new ReadOnce(spec.root, ports);
  const unknown = drafts.flatMap(({ files }) => files.filter(({ sha256 }) => sha256 === undefined));
  const bar = barOf(ports, "hashing weights", unknown);
  const models: LockedModel[] = [];
  try {
    for (const { model, files } of drafts) {
      const locked = async (file: ListedFile, stop: AbortSignal) => ({
        path: file.path,
        size: file.size,
        sha256:
          file.sha256 ??
          (await reader.sha256(model, file, (done) => bar?.update(file, done), stop)),
        ...(file.allow === undefined ? {} : { allow: file.allow }),
      });
      models.push({ ...model, files: await eachLimited(files, concurrency, locked, signal) });
    }
  } finally {
    bar?.end();
  }
  warnOfLargeFiles(spec.root, filesOf(models), ports.log);
  const open: Lock = { version: 1, root: spec.root, models };
  const lock = options.open === true ? open : await withLayers(open, reader, ports, options);
  return {
    lock: parseLock(formatLock(lock), "the new lock"),
    changes: changesOf(previous, lock),
    bytesRead: reader.bytesRead,
  };
}

/** Packs the files and reads those layers whose digest is not known. */
async function withLayers(
  open: Lock,
  reader: ReadOnce,
  ports: Pick<ResolvePorts, "log">,
  { previous, repack, concurrency = 4, signal }: ResolveOptions,
): Promise<Lock> {
  const keep =
    repack !== true &&
    previous !== undefined &&
    previous.root === open.root &&
    isComplete(previous);
  const planned = packFiles(open.models, {
    root: open.root,
    previous: keep ? previous : undefined,
  }).map((layer) => ({ ...layer, digest: layer.digest ?? reader.known(layer) }));
  const bar = barOf(
    ports,
    "reading layers",
    planned.filter(({ digest }) => digest === undefined),
  );
  const locked = async (layer: PlannedLayer, stop: AbortSignal) => ({
    digest:
      layer.digest ?? (await reader.layerDigest(layer, (done) => bar?.update(layer, done), stop)),
    size: layer.size,
    files: layer.files.map(({ id }) => id),
  });
  try {
    return { ...open, layers: await eachLimited(planned, concurrency, locked, signal) };
  } finally {
    bar?.end();
  }
}

/** A bar for what is to be read; none where that is nothing. */
function barOf(
  { log }: Pick<ResolvePorts, "log">,
  label: string,
  unread: readonly { readonly size: number }[],
): SharedProgress | undefined {
  const total = unread.reduce((sum, { size }) => sum + size, 0);
  return total === 0 ? undefined : sharedProgress(log, label, total);
}

/** A model without its files, and these with the hashes that need no reading. */
function draftOf(
  { files: _patterns, ...named }: SpecModel,
  listing: Listing,
  before: LockedModel | undefined,
  options: ResolveOptions,
) {
  const model: LockedModel = { ...named, source: listing.source, files: [] };
  const files = listing.files.map((file) => ({
    ...file,
    sha256: file.sha256 ?? knownSha256(model, file, before, options),
  }));
  return { model, files };
}

/** A branch stays at the commit that is locked until an update is asked for. */
function revisionOf(
  { source }: SpecModel,
  before: LockedModel | undefined,
  { update }: ResolveOptions,
): LockedModel["source"] {
  if (update === true || before === undefined || "url" in source || "url" in before.source)
    return source;
  if (source.huggingface !== before.source.huggingface || /^[0-9a-f]{40}$/.test(source.revision))
    return source;
  return before.source;
}

/** The hash from the lock before, where the same place cannot have other bytes by now, or nobody asked to look. */
function knownSha256(
  { source }: Pick<LockedModel, "source">,
  { path, size }: ListedFile,
  before: LockedModel | undefined,
  { update }: ResolveOptions,
): string | undefined {
  if (before === undefined || JSON.stringify(before.source) !== JSON.stringify(source))
    return undefined;
  if ("url" in source && update === true) return undefined;
  return before.files.find((file) => file.path === path && file.size === size)?.sha256;
}

function warnOfLargeFiles(
  root: string,
  files: readonly ModelFile[],
  log: Pick<Log, "warning">,
): void {
  for (const file of files) {
    const size = sizeOfLayer(root, [file]);
    if (size > largestLayerSize)
      log.warning(
        `${file.id} makes a layer of ${size.toLocaleString("en-US")} bytes: GHCR takes at most ${largestLayerSize.toLocaleString("en-US")}. Choose a repository with smaller shards, or a registry without that limit.`,
      );
  }
}
