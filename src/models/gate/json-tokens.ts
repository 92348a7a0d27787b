import { isUtf8 } from "node:buffer";
import { amount, type Input, type Reading } from "./input.ts";
import { Refused } from "./refused.ts";

/** Longest string of a header that is looked at, in bytes: training data of a model's maker are the longest that there are. */
const longestString = 8 * 2 ** 20;

export const rule = "safetensors-json";

/** The next character that is no white space. */
export function* symbol(input: Input): Reading<string> {
  for (;;) {
    while (!input.has(1)) yield;
    const byte = input.u8();
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)
      return String.fromCharCode(byte);
  }
}

/** The next character, which must be one of those wanted. */
export function* oneOf(input: Input, wanted: string): Reading<string> {
  const seen = yield* symbol(input);
  if (wanted.includes(seen)) return seen;
  throw new Refused(
    rule,
    input.at - 1,
    `${JSON.stringify(seen)} stands where ${[...wanted].join(" or ")} is wanted.`,
  );
}

/** A string whose opening quote comes next, with its escapes read (RFC 8259, section 7). */
export function* string(input: Input): Reading<string> {
  yield* oneOf(input, '"');
  const at = input.at;
  const pieces: Buffer[] = [];
  let size = 0;
  let escaped = false;
  for (;;) {
    while (!input.has(1)) yield;
    const here = input.rest();
    const end = closingQuote(here, escaped);
    const piece = Buffer.from(input.take(end.at ?? here.length));
    escaped = end.escaped;
    pieces.push(piece);
    size += piece.length;
    if (size > longestString)
      throw new Refused(
        "safetensors-limits",
        at,
        `begins a string of more than ${amount(longestString, "byte")}.`,
      );
    if (end.at === undefined) continue;
    input.skip(1);
    return unescaped(Buffer.concat(pieces), at);
  }
}

/** A whole number that is not negative, and the character after it. */
export function* integer(input: Input, first: string): Reading<{ value: number; next: string }> {
  const at = input.at - 1;
  let digits = first;
  let next = "";
  for (; digits.length <= 20; digits += next) {
    while (!input.has(1)) yield;
    next = String.fromCharCode(input.peek());
    if (next < "0" || next > "9") break;
    input.skip(1);
  }
  const value = Number(digits);
  if (!/^(?:0|[1-9]\d*)$/.test(digits) || !Number.isSafeInteger(value))
    throw new Refused(
      rule,
      at,
      `${JSON.stringify(digits)} stands where a whole number below 2⁵³ is wanted.`,
    );
  return { value, next: yield* symbol(input) };
}

/** Where the string ends in these bytes; else whether they end with a backslash that escapes what follows. */
function closingQuote(bytes: Buffer, escaped: boolean): { at?: number; escaped: boolean } {
  let inEscape = escaped;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inEscape) inEscape = false;
    else if (byte === 0x5c) inEscape = true;
    else if (byte === 0x22) return { at, escaped: false };
  }
  return { escaped: inEscape };
}

function unescaped(bytes: Buffer, at: number): string {
  try {
    const value: unknown = isUtf8(bytes) ? JSON.parse(`"${bytes.toString()}"`) : undefined;
    if (typeof value === "string" && !/\p{Cs}/u.test(value)) return value;
  } catch {
    // An escape or a character that no string may have.
  }
  throw new Refused(rule, at, "begins a string that is none in JSON.");
}
