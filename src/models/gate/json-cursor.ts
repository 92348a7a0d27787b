import { isUtf8 } from "node:buffer";
import { amount, type Input, type Reading } from "./input.ts";
import { Refused } from "./refused.ts";

/** What a cursor throws where its bytes end and more will come. */
const incomplete = new Error("more bytes are wanted");

/** Longest piece that is read at once, in bytes: the texts that a model's maker puts into a header are the longest. */
const longestPiece = 8 * 2 ** 20;

/** Reads a part of a JSON text that is here as a whole; waits for the rest of it where it is not. */
export function* part<T>(input: Input, read: (json: JsonCursor) => T): Reading<T> {
  for (;;) {
    const here = input.rest();
    const json = new JsonCursor(here, input.at, here.length === input.left);
    try {
      const value = read(json);
      input.skip(json.next);
      return value;
    } catch (error) {
      if (error !== incomplete) throw error;
    }
    if (here.length > longestPiece)
      throw new Refused(
        "safetensors-limits",
        input.at,
        `a text or a list of more than ${amount(longestPiece, "byte")}.`,
      );
    // Twice as many bytes each time, so that a long text is not read again for every piece.
    const wanted = Math.min(2 * here.length, longestPiece + 1, input.left);
    do yield;
    while (input.rest().length < wanted);
  }
}

/** A place in a JSON text (RFC 8259), from which tokens are read one after the other. */
export class JsonCursor {
  /** How many of the bytes were read. */
  next = 0;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #isLast: boolean;

  constructor(bytes: Buffer, start: number, isLast: boolean) {
    this.#bytes = bytes;
    this.#start = start;
    this.#isLast = isLast;
  }

  /** Offset in the file. */
  get at(): number {
    return this.#start + this.next;
  }

  /** The next character that is no white space, without taking it. */
  peek(): string {
    for (; ; this.next += 1) {
      const byte = this.#byte();
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)
        return String.fromCharCode(byte);
    }
  }

  /** Takes the next character, which must be one of those wanted. */
  oneOf(wanted: string): string {
    const seen = this.peek();
    if (!wanted.includes(seen))
      throw this.refused(
        `${JSON.stringify(seen)} stands where ${[...wanted].join(" or ")} is wanted.`,
      );
    this.next += 1;
    return seen;
  }

  /** A string, its escapes read. */
  string(): string {
    this.oneOf('"');
    const start = this.next;
    let hasEscape = false;
    for (let byte = this.#byte(); byte !== 0x22; byte = this.#byte()) {
      if (byte === 0x5c) hasEscape = true;
      this.next += byte === 0x5c ? 2 : 1;
    }
    const bytes = this.#bytes.subarray(start, this.next);
    this.next += 1;
    const text = unescaped(bytes, hasEscape);
    if (text === undefined) throw this.refused("this ends a string that is none in JSON.");
    return text;
  }

  /** A whole number that is not negative. */
  integer(): number {
    this.peek();
    const start = this.next;
    for (let byte = this.#byte(); byte >= 0x30 && byte <= 0x39; byte = this.#byte()) this.next += 1;
    const digits = this.#bytes.toString("latin1", start, Math.min(this.next, start + 20));
    const value = Number(digits);
    if (!/^(?:0|[1-9]\d*)$/.test(digits) || !Number.isSafeInteger(value))
      throw this.refused("a whole number below 2⁵³ is wanted here.");
    return value;
  }

  refused(what: string): Refused {
    return new Refused("safetensors-json", this.at, what);
  }

  #byte(): number {
    const byte = this.#bytes[this.next];
    if (byte !== undefined) return byte;
    if (!this.#isLast) throw incomplete;
    throw new Refused("truncated", this.#start + this.#bytes.length, "where the header goes on.");
  }
}

/** The text of a string's bytes; undefined where they are none. */
function unescaped(bytes: Buffer, hasEscape: boolean): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no string has as they are
  if (!hasEscape) return /[\0-\x1f]/.test(text) ? undefined : text;
  try {
    const value: unknown = JSON.parse(`"${text}"`);
    return typeof value === "string" && !/\p{Cs}/u.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
