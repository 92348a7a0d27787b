import { createHash, type Hash } from "node:crypto";
import { IntegrityError } from "../errors.ts";
import { type FileVerdict, type Gate, openGate } from "./gate/gate.ts";
import { layoutOf } from "./layer-source.ts";
import { imagePath, type ModelFile } from "./lock.ts";
import type { PlannedLayer } from "./pack.ts";
import { refusedByGate } from "./sources/checked-file.ts";
import { grouped } from "./sources/place.ts";

/** What a layer has in the place of a file. */
export interface FoundFile {
  readonly member: ModelFile;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  readonly verdict: FileVerdict;
}

/** The part of a layer that is passing: bytes that are known beforehand, or a file. */
interface Part {
  readonly hash: Hash;
  readonly gate: Gate | undefined;
  left: number;
}

/** A layer that somebody has, taken apart while it passes: its frame is compared byte by byte, its files are hashed and gated. */
export class LayerCheck {
  readonly #segments: ReturnType<typeof layoutOf>["segments"];
  readonly #name: string;
  readonly #size: number;
  readonly #found: FoundFile[] = [];
  #current = 0;
  #part: Part | undefined;
  #at = 0;

  constructor(root: string, { digest, size, files }: PlannedLayer) {
    this.#segments = layoutOf(root, files).segments;
    this.#name = `the layer ${digest}`;
    this.#size = size;
  }

  /** Bytes that have passed. */
  get at(): number {
    return this.#at;
  }

  /** Takes the next bytes; gives the verdict on a file as soon as it is refused. An IntegrityError where they are no model layer's. */
  feed(piece: Uint8Array): FileVerdict | undefined {
    let refused: FileVerdict | undefined;
    for (let rest = piece; rest.length > 0; ) {
      const part = this.#next();
      if (part === undefined)
        throw new IntegrityError(`${this.#name} has more than ${grouped(this.#size)} bytes`);
      const bytes = rest.subarray(0, part.left);
      part.hash.update(bytes);
      refused ??= part.gate?.feed(bytes);
      part.left -= bytes.length;
      this.#at += bytes.length;
      rest = rest.subarray(bytes.length);
    }
    return refused;
  }

  /** What was found, once all bytes have passed. */
  end(): readonly FoundFile[] {
    if (this.#next() !== undefined)
      throw new IntegrityError(`${this.#name} ended after ${grouped(this.#at)} bytes`);
    return this.#found;
  }

  /** The part that the next byte belongs to; parts that are whole are closed. */
  #next(): Part | undefined {
    for (;;) {
      const segment = this.#segments[this.#current];
      if (segment === undefined) return undefined;
      this.#part ??= {
        hash: createHash("sha256"),
        gate: "file" in segment ? gateOf(segment.file.member) : undefined,
        left: segment.size,
      };
      if (this.#part.left > 0) return this.#part;
      const { hash, gate } = this.#part;
      const sha256 = hash.digest("hex");
      if ("file" in segment && gate !== undefined)
        this.#found.push({ member: segment.file.member, sha256, verdict: gate.end() });
      else if ("bytes" in segment && sha256 !== sha256Of(segment.bytes))
        throw new IntegrityError(
          `${this.#name} is not framed as model layers are (near byte ${grouped(segment.at)})`,
        );
      this.#part = undefined;
      this.#current += 1;
    }
  }
}

function gateOf({ id, file }: ModelFile): Gate {
  return openGate({ file: id, size: file.size, allow: file.allow });
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Reads a layer of an image or a repository while it is copied from there, perhaps in several goes; the last bytes are given only when the whole is right. */
export class CheckedLayer {
  readonly #root: string;
  readonly #check: LayerCheck;
  readonly #size: number;
  readonly #read: Read;
  #verdicts: readonly FileVerdict[] | undefined;

  constructor(root: string, layer: PlannedLayer, read: Read) {
    this.#root = root;
    this.#check = new LayerCheck(root, layer);
    this.#size = layer.size;
    this.#read = read;
  }

  /** Of each file, once all have passed. */
  get verdicts(): readonly FileVerdict[] | undefined {
    return this.#verdicts;
  }

  /** The bytes from `from` to the end; what has not passed yet is read before them. An IntegrityError for a file that is not the lock's, or that the gate refuses. */
  async *open(from: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    let at = Math.min(from, this.#check.at);
    for await (const piece of this.#read(at, signal)) {
      at += piece.length;
      this.#take(piece, at);
      if (at > from)
        yield at - piece.length >= from ? piece : piece.subarray(piece.length - (at - from));
    }
  }

  #take(piece: Uint8Array, end: number): void {
    const fresh = end - this.#check.at;
    if (fresh <= 0) return;
    const refused = this.#check.feed(piece.subarray(piece.length - fresh));
    if (refused !== undefined) throw refusedByGate(imagePath(this.#root, refused.file), refused);
    if (this.#check.at === this.#size) this.#verdicts = this.#check.end().map(this.#verdict);
  }

  readonly #verdict = ({ member: { id, file }, sha256, verdict }: FoundFile): FileVerdict => {
    const name = imagePath(this.#root, id);
    if (sha256 !== file.sha256)
      throw new IntegrityError(
        `${name}: its layer has a file with sha256 ${sha256}, the lock says ${file.sha256}.`,
      );
    if (verdict.verdict === "failed") throw refusedByGate(name, verdict);
    return verdict;
  };
}

type Read = (from: number, signal?: AbortSignal) => AsyncIterable<Uint8Array>;
