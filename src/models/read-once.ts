import type { Digest } from "../images/digest.ts";
import { fileReader, type SourcePorts, sourceReader, sourcesOf } from "./file-reader.ts";
import { layerSource } from "./layer-source.ts";
import { imagePath, type LockedModel, type ModelFile } from "./lock.ts";
import { ownLayerSize, type PlannedLayer, plannedLayer } from "./pack.ts";
import { beginAgain } from "./sources/begin-again.ts";
import type { CheckedFile } from "./sources/checked-file.ts";
import { placesOf } from "./sources/places.ts";
import { Sources } from "./sources/resume.ts";
import { streamDigest } from "./stream-digest.ts";

type OnProgress = (done: number) => void;

/** Small files whose hash nobody told are kept until their layer is made, up to this many bytes in all. */
const keptBytes = 64 * 2 ** 20;

/** Reads files for a lock, each of them once: a large one gives its hash and the digest of its own layer in the same go. */
export class ReadOnce {
  readonly #root: string;
  readonly #ports: SourcePorts;
  readonly #kept = new Map<string, Uint8Array>();
  readonly #digests = new Map<string, Digest>();
  #room = keptBytes;
  #bytesRead = 0;

  constructor(root: string, ports: SourcePorts) {
    this.#root = root;
    this.#ports = ports;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** The hash of a file that its source does not tell. */
  async sha256(
    model: LockedModel,
    { path, size, allow }: { path: string; size: number; allow: string | undefined },
    onProgress: OnProgress,
    signal?: AbortSignal,
  ): Promise<string> {
    const id = `${model.name}/${path}`;
    const wanted = { name: imagePath(this.#root, id), size, allow };
    const places = placesOf(model, path, wanted, this.#ports);
    const sources = new Sources(wanted, places, this.#ports);
    const reader = fileReader(id, wanted, sources, this.#ports, this.#count);
    const file = { id, model, file: { path, size, sha256: "", allow } };
    if (size >= ownLayerSize) {
      const layer = plannedLayer(this.#root, [file]);
      const source = layerSource(this.#root, layer, () => reader);
      const upTo: OnProgress = (done) => onProgress(Math.min(done, size));
      this.#digests.set(id, (await streamDigest(source, upTo, signal)).digest);
    } else await this.#readSmall(id, size, reader, signal);
    onProgress(size);
    return reader.sha256 ?? "";
  }

  /** The digest of a layer whose bytes were read with its file. */
  known({ files: [first, ...more] }: PlannedLayer): Digest | undefined {
    return first !== undefined && more.length === 0 ? this.#digests.get(first.id) : undefined;
  }

  /** The digest of a layer whose files are known. */
  async layerDigest(
    layer: PlannedLayer,
    onProgress: OnProgress,
    signal?: AbortSignal,
  ): Promise<Digest> {
    const sources = new Map(layer.files.map((file) => [file, this.#sourcesOf(file)]));
    const readerOf = (file: ModelFile) => {
      const count = this.#kept.has(file.id) ? undefined : this.#count;
      return sourceReader(this.#root, file, this.#ports, count, sources.get(file));
    };
    const read = () => streamDigest(layerSource(this.#root, layer, readerOf), onProgress, signal);
    return (await beginAgain(read, this.#ports.log)).digest;
  }

  #sourcesOf(file: ModelFile): Sources {
    const kept = this.#kept.get(file.id);
    if (kept === undefined) return sourcesOf(this.#root, file, this.#ports);
    const place = { name: "memory", open: async (from: number) => oneByOne(kept.subarray(from)) };
    return new Sources({ name: file.id, ...file.file }, [place], this.#ports);
  }

  async #readSmall(
    id: string,
    size: number,
    reader: CheckedFile,
    signal?: AbortSignal,
  ): Promise<void> {
    const keep = size <= this.#room;
    if (keep) this.#room -= size;
    const pieces: Uint8Array[] = [];
    for await (const piece of reader.open(0, signal)) if (keep) pieces.push(piece);
    if (keep) this.#kept.set(id, Buffer.concat(pieces));
  }

  readonly #count = (bytes: number): void => {
    this.#bytesRead += bytes;
  };
}

async function* oneByOne(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
