import { Refused } from "./refused.ts";

/** A reader of a format: it yields where it needs more bytes than have come, and throws a Refused. */
export type Reading<T> = Generator<undefined, T, undefined>;

/** Takes what is worth knowing of a file that passes. */
export type Note = (text: string) => void;

const nothing = Buffer.alloc(0);

/**
 * The bytes of a file as they come. A reader asks `has` before it takes, and yields until there is enough; what it skips is never kept, so
 * that a file costs the memory of what its reader looks at in one piece.
 */
export class Input {
  /** Where the reader must be done: the end of the file, or of the part of it that is read. */
  end: number;
  #window: Buffer = nothing;
  #next = 0;
  #at = 0;
  #skipping = 0;

  constructor(size: number) {
    this.end = size;
  }

  /** Offset in the file of the next byte. */
  get at(): number {
    return this.#at;
  }

  /** Bytes up to the end. */
  get left(): number {
    return this.end - this.#at;
  }

  /** Takes the next bytes of the file; false while all of them are skipped. */
  feed(piece: Uint8Array): boolean {
    if (this.#skipping > 0 && this.#skipping >= piece.length) {
      this.#skipping -= piece.length;
      return this.#skipping === 0;
    }
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    this.#window = this.#next < this.#window.length ? Buffer.concat([this.rest(), bytes]) : bytes;
    this.#next = this.#skipping;
    this.#skipping = 0;
    return true;
  }

  /** Copies what the reader left, so that the piece it came with can be filled anew. */
  keep(): void {
    this.#window = Buffer.from(this.rest());
    this.#next = 0;
  }

  /** Whether so many bytes are here (at most 64 KiB may be asked for). A Refused where they never come. */
  has(count: number): boolean {
    if (count > this.end - this.#at)
      throw new Refused(
        "truncated",
        this.#at,
        `where ${amount(count, "byte")} should be: ${amount(Math.max(0, this.left), "byte")} are left.`,
      );
    return this.#window.length - this.#next >= count;
  }

  /** What is here of the bytes up to the end, without taking it. */
  rest(): Buffer {
    return this.#window.subarray(this.#next, this.#next + Math.max(0, this.left));
  }

  take(count: number): Buffer {
    const bytes = this.#window.subarray(this.#next, this.#next + count);
    this.#next += count;
    this.#at += count;
    return bytes;
  }

  /** Passes over bytes, also over those that have not come yet. */
  skip(count: number): void {
    if (count > this.left)
      throw new Refused(
        "truncated",
        this.#at,
        `where ${amount(count, "byte")} should be: ${amount(Math.max(0, this.left), "byte")} are left.`,
      );
    const here = Math.min(count, this.#window.length - this.#next);
    this.#next += here;
    this.#at += count;
    this.#skipping += count - here;
  }

  /** The byte so many after the next one. */
  peek(ahead = 0): number {
    return this.#window[this.#next + ahead] ?? 0;
  }

  peek32(ahead = 0): number {
    return this.#window.readUInt32LE(this.#next + ahead);
  }

  u8(): number {
    const byte = this.#window[this.#next] ?? 0;
    this.#next += 1;
    this.#at += 1;
    return byte;
  }

  u16(): number {
    return this.take(2).readUInt16LE(0);
  }

  u32(): number {
    return this.take(4).readUInt32LE(0);
  }

  /** Above 2⁵³ not exact, but above 2⁵³. */
  u64(): number {
    return Number(this.take(8).readBigUInt64LE(0));
  }
}

/** `1 byte`, `12 bytes`. */
export function amount(count: number, what: string): string {
  return `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
}
