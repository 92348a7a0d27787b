import { createHash } from "node:crypto";
import { IntegrityError } from "../../errors.ts";
import { headSize } from "../gate/content.ts";
import { type FileVerdict, judge } from "../gate/gate.ts";
import { otherBytes } from "./http-place.ts";
import { grouped, type WantedFile } from "./place.ts";

/** Reads a file from a byte to its end, whoever has it. */
export type ReadFrom = (from: number, signal?: AbortSignal) => AsyncIterable<Uint8Array>;

export interface CheckedFileOptions extends WantedFile {
  /** `<name>/<path>`. */
  readonly id: string;
  readonly read: ReadFrom;
  /** Who has it, for messages. */
  readonly from: string;
  /** Called with the bytes that were read, those that were read again included. */
  readonly onRead?: (bytes: number) => void;
}

/**
 * A file that is hashed and judged while it passes, perhaps in several goes: the hash runs on at the highest byte, and bytes that come
 * again are not hashed again. The last bytes are given only when the whole is right.
 */
export class CheckedFile {
  readonly #file: CheckedFileOptions;
  readonly #hash = createHash("sha256");
  readonly #head: Uint8Array[] = [];
  #hashed = 0;
  #sha256: string | undefined;
  #verdict: FileVerdict | undefined;

  constructor(file: CheckedFileOptions) {
    this.#file = file;
  }

  /** Bytes that have been hashed: the highest that has passed. */
  get at(): number {
    return this.#hashed;
  }

  /** The gate's, once the first bytes have passed. */
  get verdict(): FileVerdict | undefined {
    return this.#verdict;
  }

  /** Of the whole file, once it has passed. */
  get sha256(): string | undefined {
    return this.#sha256;
  }

  /** The bytes from `from` to the end. What was never hashed is read before them, so that the whole is always checked. */
  async *open(from: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const { read, size, onRead } = this.#file;
    if (size === 0) this.#take(new Uint8Array(), 0);
    let at = Math.min(from, this.#hashed);
    for await (const piece of read(at, signal)) {
      onRead?.(piece.length);
      this.#take(piece, at);
      at += piece.length;
      if (at > from)
        yield at - piece.length >= from ? piece : piece.subarray(piece.length - (at - from));
    }
  }

  #take(piece: Uint8Array, at: number): void {
    if (this.#sha256 !== undefined) return;
    const fresh = at + piece.length - this.#hashed;
    if (fresh > 0 || this.#file.size === 0) {
      const bytes = piece.subarray(piece.length - fresh);
      if (this.#verdict === undefined) this.#judge(bytes);
      this.#hash.update(bytes);
      this.#hashed += fresh;
    }
    if (this.#hashed === this.#file.size) this.#finish();
  }

  #judge(bytes: Uint8Array): void {
    const { size, allow, id, name } = this.#file;
    this.#head.push(bytes);
    const have = this.#hashed + bytes.length;
    if (have < Math.min(size, headSize)) return;
    this.#verdict = judge({ file: id, size, allow }, Buffer.concat(this.#head.splice(0)));
    if (this.#verdict.verdict === "passed") return;
    throw new IntegrityError(`${name}: the weights gate refuses it: ${this.#verdict.reason}.`, {
      todo: 'Nothing was published. If it is wanted all the same, give the file an "allow": "the reason" in the lock.',
    });
  }

  #finish(): void {
    const { size, sha256, from } = this.#file;
    const seen = this.#hash.digest("hex");
    if (sha256 !== undefined && seen !== sha256)
      throw otherBytes(this.#file, from, `sent ${grouped(size)} bytes with sha256 ${seen}`);
    this.#sha256 = seen;
  }
}
