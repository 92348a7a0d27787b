import { IntegrityError, RemoteError } from "../errors.ts";
import type { BlobSource } from "../images/blob.ts";
import type { Digest } from "../images/digest.ts";
import type { Log } from "../ports/log.ts";
import type { PutBlobOptions, PutBlobResult, Store } from "../ports/store.ts";
import type { ModelsResult } from "../results/stages.ts";
import { type SourcePorts, sourceReader, sourcesOf } from "./file-reader.ts";
import type { FileVerdict } from "./gate/gate.ts";
import { CheckedLayer } from "./layer-check.ts";
import { layerSource } from "./layer-source.ts";
import { type LayerVerdict, layerVerdict } from "./layer-verdict.ts";
import type { ModelFile } from "./lock.ts";
import type { PlannedLayer } from "./pack.ts";
import { beginAgain } from "./sources/begin-again.ts";
import type { CheckedFile } from "./sources/checked-file.ts";
import { GatedError } from "./sources/refusal.ts";
import { streamDigest } from "./stream-digest.ts";

export type LayerState = ModelsResult["layers"][number];

/** One reading of a layer: its bytes, and its files as they pass. */
interface Reading {
  readonly source: BlobSource;
  readonly files: readonly CheckedFile[];
}

/** Readings of a layer, each from its first byte; all of them know which places gave wrong bytes. */
export function layerReading(
  root: string,
  layer: PlannedLayer,
  ports: SourcePorts,
  onRead: (bytes: number) => void,
): () => Reading {
  const sources = new Map(layer.files.map((file) => [file, sourcesOf(root, file, ports)]));
  return () => {
    const files: CheckedFile[] = [];
    const readerOf = (file: ModelFile) => {
      const reader = sourceReader(root, file, ports, onRead, sources.get(file));
      files.push(reader);
      return reader;
    };
    return { source: layerSource(root, layer, readerOf), files };
  };
}

export interface BringContext {
  readonly store: Store;
  readonly log: Pick<Log, "info">;
  readonly mountFrom?: Pick<Store, "name" | "blobSize" | "readBlob"> | undefined;
  readonly allowCopy?: boolean | undefined;
  readonly checkOnly?: boolean | undefined;
  readonly leaveGated?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number) => void;
}

interface Brought {
  readonly state: LayerState;
  readonly bytesSent: number;
  /** Of the files that were read for it. */
  readonly verdicts: readonly FileVerdict[];
  /** Where every byte of it came through here. */
  readonly verdict?: LayerVerdict;
}

/** Brings one layer that the store has not: mounted, copied, or read from its sources, from its first byte again where one of them was wrong. */
export async function bringLayer(
  root: string,
  layer: PlannedLayer,
  read: () => Reading,
  context: BringContext,
): Promise<Brought> {
  const { digest, size } = layer;
  const { store, log, mountFrom, checkOnly, leaveGated, signal, onProgress } = context;
  const options = { signal, onProgress };
  let copy: CheckedLayer | undefined;
  if (checkOnly !== true && digest !== undefined && mountFrom !== undefined) {
    if (await store.mountBlob(digest, mountFrom.name))
      return { state: { digest, size, state: "mounted" }, bytesSent: 0, verdicts: [] };
    copy = await copyOf(root, layer, digest, context);
  }
  const bringing = beginAgain<Brought>(async () => {
    const { source, files } = read();
    const from = copy === undefined ? source : opened(source, copy);
    const brought =
      checkOnly === true
        ? await check(from, options)
        : await send(store, { source: from, files }, options);
    const state = checkOnly === true ? "checked" : "uploaded";
    const verdicts = copy?.verdicts ?? files.flatMap(({ verdict }) => verdict ?? []);
    return {
      state: { digest: brought.digest, size: brought.size, state },
      bytesSent: brought.bytesSent,
      verdicts,
      ...(verdicts.length === layer.files.length ? { verdict: layerVerdict(verdicts) } : {}),
    };
  }, log);
  return await (leaveGated === true ? bringing.catch(unlessGated(layer, context)) : bringing);
}

/** A layer that the hub does not show is left out; one without a digest cannot be, since nothing could stand for it in the image. */
function unlessGated(
  { digest, size }: PlannedLayer,
  { log }: Pick<BringContext, "log">,
): (error: unknown) => Brought {
  return (error) => {
    if (!(error instanceof GatedError)) throw error;
    if (digest === undefined)
      throw new GatedError(error.message, {
        todo: "This run has no token for it, and would do without the file if the lock were complete: run director-image models lock with a token, and commit what it writes.",
      });
    log.info(error.message);
    return { state: { digest, size, state: "gated" }, bytesSent: 0, verdicts: [] };
  };
}

/** A layer as another repository has it, where it may be copied from there; undefined where that has it not, or shows it to nobody. */
async function copyOf(
  root: string,
  layer: PlannedLayer,
  digest: Digest,
  { mountFrom, allowCopy, log }: BringContext,
): Promise<CheckedLayer | undefined> {
  if (allowCopy !== true || mountFrom === undefined) return undefined;
  try {
    if ((await mountFrom.blobSize(digest)) !== layer.size) return undefined;
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    log.info(`${error.message} The layer is read from its source instead.`);
    return undefined;
  }
  const read = (from: number, signal?: AbortSignal) => mountFrom.readBlob(digest, from, signal);
  return new CheckedLayer(root, layer, read);
}

/** The same blob, its bytes from the copy. */
function opened(source: BlobSource, copy: CheckedLayer): BlobSource {
  return { ...source, open: (from, signal) => copy.open(from, signal) };
}

const repack =
  "The files are right, so the lock's layers are not: run director-image models lock --repack.";

/** Sends a layer; where its files are right and it is not the lock's all the same, the error says what to do. */
async function send(
  store: Store,
  { source, files }: Reading,
  options: PutBlobOptions,
): Promise<PutBlobResult> {
  try {
    return await store.putBlob(source, options);
  } catch (error) {
    const whole = files.every(({ sha256 }) => sha256 !== undefined);
    // With a cause it is the registry that got other bytes than were sent.
    if (!(error instanceof IntegrityError) || error.cause !== undefined || !whole) throw error;
    throw new IntegrityError(error.message, { cause: error, todo: repack });
  }
}

/** Reads a layer whole and throws it away; an IntegrityError if it is not what was promised. */
async function check(
  source: BlobSource,
  { signal, onProgress }: PutBlobOptions,
): Promise<PutBlobResult> {
  const { digest, size } = await streamDigest(source, onProgress ?? (() => undefined), signal);
  if (source.digest !== undefined && source.digest !== digest)
    throw new IntegrityError(
      `${source.name}: its layer has the digest ${digest}, the lock says ${source.digest}.`,
      { todo: repack },
    );
  return { digest, size, bytesSent: 0 };
}
