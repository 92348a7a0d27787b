import { createHash } from "node:crypto";
import { join } from "node:path";
import { IntegrityError } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { eachLimited } from "../retry/each-limited.ts";
import { hashOf } from "./fill-file.ts";
import { layersIn, type ModelsImageAt } from "./image-files.ts";
import { layoutOf } from "./layer-source.ts";
import { filesOf, type Lock, type ModelFile } from "./lock.ts";
import type { PlannedLayer } from "./pack.ts";
import type { ReadableStore } from "./published.ts";
import { grouped } from "./sources/place.ts";

export interface VerifyPorts {
  readonly files: Pick<Files, "open">;
  readonly log: Pick<Log, "progress">;
}

export type VerifyOptions = {
  /** Files or layers side by side; 2 by default. */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
} & ({ readonly folder: string } | { readonly image: ModelsImageAt });

/** What was found of each file of the lock, in its order. */
export interface VerifiedModels {
  readonly verdict: "passed" | "failed";
  readonly files: readonly VerifiedFile[];
}

interface VerifiedFile {
  readonly file: string;
  readonly verdict: "passed" | "failed";
  readonly reason?: string;
}

/** Reads every byte of a folder or an image, and says of each file whether it is the lock's. */
export async function verifyModels(
  lock: Lock,
  ports: VerifyPorts,
  options: VerifyOptions,
): Promise<VerifiedModels> {
  const files = filesOf(lock.models);
  const bar = ports.log.progress(
    "verified",
    files.reduce((sum, { file }) => sum + file.size, 0),
  );
  let done = 0;
  const onFile = ({ file }: ModelFile) => {
    done += file.size;
    bar.update(done);
  };
  try {
    const found =
      "folder" in options
        ? await verifyFolder(files, options.folder, ports.files, onFile, options)
        : await verifyImage(lock, options.image, onFile, options);
    const failed = found.some(({ verdict }) => verdict === "failed");
    return { verdict: failed ? "failed" : "passed", files: found };
  } finally {
    bar.end();
  }
}

type Limits = Pick<VerifyOptions, "concurrency" | "signal">;

async function verifyFolder(
  files: readonly ModelFile[],
  folder: string,
  disk: Pick<Files, "open">,
  onFile: (file: ModelFile) => void,
  { concurrency = 2, signal }: Limits,
): Promise<readonly VerifiedFile[]> {
  const verify = async (file: ModelFile, stop: AbortSignal) => {
    const seen = await hashOf(join(folder, file.id), file.file.size, disk, stop);
    onFile(file);
    if (seen === "missing") return failed(file, "is not there");
    return typeof seen === "string"
      ? judged(file, seen)
      : failed(file, `has ${grouped(seen.size)} bytes, the lock says ${grouped(file.file.size)}`);
  };
  return await eachLimited(files, concurrency, verify, signal);
}

async function verifyImage(
  lock: Lock,
  image: ModelsImageAt,
  onFile: (file: ModelFile) => void,
  { concurrency = 2, signal }: Limits,
): Promise<readonly VerifiedFile[]> {
  const wanted = filesOf(lock.models);
  const hashes = new Map<string, string>();
  const problems = new Map<string, string>();
  const verify = async (layer: PlannedLayer, stop: AbortSignal) => {
    try {
      const found = await hashesIn(lock.root, layer, image.store, stop);
      for (const [id, hash] of found) hashes.set(id, hash);
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      for (const { id } of layer.files) problems.set(id, error.message);
    }
    for (const file of layer.files) onFile(file);
  };
  await eachLimited(await layersIn(lock, image), concurrency, verify, signal);
  return wanted.map((file) => {
    const problem = problems.get(file.id);
    if (problem !== undefined) return failed(file, problem);
    const hash = hashes.get(file.id);
    return hash === undefined ? failed(file, "is in no layer of the image") : judged(file, hash);
  });
}

/** Reads a layer whole: its digest is the store's to check, its frame is compared byte by byte, its files are hashed. */
async function hashesIn(
  root: string,
  { digest, files, size }: PlannedLayer,
  store: ReadableStore,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>();
  const layer = digest as Digest;
  const source = new Cursor(store.readBlob(layer, 0, signal));
  for (const segment of layoutOf(root, files).segments) {
    const hash = createHash("sha256");
    for await (const piece of source.take(segment.size)) hash.update(piece);
    const seen = hash.digest("hex");
    if ("file" in segment) hashes.set(segment.file.member.id, seen);
    else if (seen !== createHash("sha256").update(segment.bytes).digest("hex"))
      throw new IntegrityError(
        `the layer ${layer} is not framed as model layers are (near byte ${grouped(segment.at)})`,
      );
  }
  if ((await source.rest()) > 0)
    throw new IntegrityError(`the layer ${layer} has more than ${grouped(size)} bytes`);
  return hashes;
}

/** Takes a stream apart by lengths. */
class Cursor {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #left: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  async *take(size: number): AsyncGenerator<Uint8Array> {
    for (let wanted = size; wanted > 0; ) {
      if (this.#left.length === 0 && !(await this.#next())) return;
      const piece = this.#left.subarray(0, wanted);
      this.#left = this.#left.subarray(piece.length);
      wanted -= piece.length;
      yield piece;
    }
  }

  /** Reads to the end; the bytes that were left. */
  async rest(): Promise<number> {
    let size = this.#left.length;
    while (await this.#next()) size += this.#left.length;
    return size;
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#pieces.next();
    if (done === true) return false;
    this.#left = value;
    return true;
  }
}

function judged(file: ModelFile, sha256: string): VerifiedFile {
  return sha256 === file.file.sha256
    ? { file: file.id, verdict: "passed" }
    : failed(file, `has sha256 ${sha256}, the lock says ${file.file.sha256}`);
}

function failed({ id }: ModelFile, reason: string): VerifiedFile {
  return { file: id, verdict: "failed", reason };
}
