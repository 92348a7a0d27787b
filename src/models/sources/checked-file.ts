import { IntegrityError } from "../../errors.ts";
import { type FileVerdict, type Gate, openGate } from "../gate/gate.ts";
import { type FileHash, hashHere, type NewHash } from "./file-hash.ts";
import { otherBytes } from "./http-place.ts";
import { grouped, type WantedFile } from "./place.ts";

/** Reads a file from a byte to its end, whoever has it. */
type ReadFrom = (from: number, signal?: AbortSignal) => AsyncIterable<Uint8Array>;

export interface CheckedFileOptions extends WantedFile {
  /** `<name>/<path>`. */
  readonly id: string;
  readonly read: ReadFrom;
  /** The error for bytes that are not the file's; `why` wants to know who gave them. */
  readonly refused: (why: (givers: string) => IntegrityError) => Error;
  /** Called with the bytes that were read, those that were read again included. */
  readonly onRead?: (bytes: number) => void;
  /** Where to hash; by default in this thread. */
  readonly newHash?: NewHash | undefined;
}

/**
 * A file that is hashed and judged while it passes, perhaps in several goes: the hash runs on at the highest byte, and bytes that come
 * again are not hashed again. The last bytes are given only when the whole is right.
 */
export class CheckedFile {
  readonly #file: CheckedFileOptions;
  readonly #hash: FileHash;
  readonly #gate: Gate;
  #hashed = 0;
  #sha256: string | undefined;
  #verdict: FileVerdict | undefined;

  constructor(file: CheckedFileOptions) {
    this.#file = file;
    this.#hash = (file.newHash ?? hashHere)(file.size);
    this.#gate = openGate({ ...file, file: file.id });
  }

  /** Bytes that have been hashed: the highest that has passed. */
  get at(): number {
    return this.#hashed;
  }

  /** The gate's, once it has passed. */
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
    if (size === 0) await this.#take(new Uint8Array(), 0);
    let at = Math.min(from, this.#hashed);
    for await (const piece of read(at, signal)) {
      onRead?.(piece.length);
      const wait = this.#take(piece, at);
      if (wait !== undefined) await wait;
      at += piece.length;
      if (at > from)
        yield at - piece.length >= from ? piece : piece.subarray(piece.length - (at - from));
    }
  }

  /** A promise only where there is something to wait for: this is called for every piece of 64 KiB. */
  #take(piece: Uint8Array, at: number): Promise<void> | undefined {
    const fresh = at + piece.length - this.#hashed;
    if (this.#sha256 !== undefined || (fresh <= 0 && this.#file.size > 0)) return undefined;
    const bytes = piece.subarray(piece.length - fresh);
    this.#refuse(this.#gate.feed(bytes));
    const wait = this.#hash.update(bytes);
    this.#hashed += fresh;
    return this.#hashed === this.#file.size ? this.#finish(wait) : wait;
  }

  #refuse(verdict: FileVerdict | undefined): void {
    if (verdict?.verdict !== "failed") return;
    const { sha256, name, refused } = this.#file;
    const error = refusedByGate(name, verdict);
    throw sha256 === undefined ? error : refused(() => error);
  }

  async #finish(wait: Promise<void> | undefined): Promise<void> {
    await wait;
    const { size, sha256, refused } = this.#file;
    const seen = await this.#hash.digest();
    const sent = `sent ${grouped(size)} bytes with sha256 ${seen}`;
    if (sha256 !== undefined && seen !== sha256)
      throw refused((givers) => otherBytes(this.#file, givers, sent, sha256));
    const verdict = this.#gate.end();
    this.#refuse(verdict);
    this.#verdict = verdict;
    this.#sha256 = seen;
  }
}

/** The error for a file that the gate refuses. */
export function refusedByGate(name: string, { rule, reason }: FileVerdict): IntegrityError {
  return new IntegrityError(`${name}: the weights gate refuses it (rule ${rule}): ${reason}`, {
    todo: 'Nothing was published. If it is wanted all the same, give the file an "allow": "the reason" in the lock.',
  });
}
