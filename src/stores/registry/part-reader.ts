import type { BlobSource } from "../../images/blob.ts";
import { endedEarly } from "../running-digest.ts";

/** What a blob's own source threw: no fault of the store's, and nothing that sending again mends. */
export class SourceFailure {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** Reads a source in parts of a wished length, each a stream, one after the other. */
export class PartReader {
  readonly #source: BlobSource;
  readonly #pieces: AsyncIterator<Uint8Array>;
  #at: number;
  #left: Uint8Array | undefined;
  #failure: SourceFailure | undefined;

  constructor(source: BlobSource, from: number, signal?: AbortSignal) {
    this.#source = source;
    this.#at = from;
    this.#pieces = source.open(from, signal)[Symbol.asyncIterator]();
  }

  /** What the source threw, once it did. */
  get failure(): SourceFailure | undefined {
    return this.#failure;
  }

  /** The next `length` bytes; a source that ends before them has failed. */
  async *part(length: number): AsyncGenerator<Uint8Array> {
    let wanted = length;
    while (wanted > 0) {
      const piece = this.#left ?? (await this.#next());
      if (piece === undefined) throw this.#fail(endedEarly(this.#source, this.#at));
      this.#left = piece.length > wanted ? piece.subarray(wanted) : undefined;
      const part = piece.length > wanted ? piece.subarray(0, wanted) : piece;
      wanted -= part.length;
      this.#at += part.length;
      yield part;
    }
  }

  /** Whether the source has nothing more; lets it do its last checks. */
  async ended(): Promise<boolean> {
    if (this.#left !== undefined) return false;
    let piece = await this.#next();
    while (piece !== undefined && piece.length === 0) piece = await this.#next();
    this.#left = piece;
    return piece === undefined;
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#pieces.next();
      return done ? undefined : value;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(cause: unknown): SourceFailure {
    this.#failure = new SourceFailure(cause);
    return this.#failure;
  }
}
