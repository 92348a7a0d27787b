import { isUtf8 } from "node:buffer";
import type { Input, Reading } from "./input.ts";
import { Refused } from "./refused.ts";

/** A text to its end: UTF-8 without zero bytes. */
export function* text(input: Input): Reading<void> {
  while (input.left > 0) {
    const here = input.rest();
    const whole = here.length === input.left ? here.length : here.length - cutCharacter(here);
    check(here.subarray(0, whole), input.at);
    input.skip(whole);
    if (input.left > 0) yield;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no text has
const control = /[\0-\x08\x0e-\x1f\x7f]/;

/** Whether a file that begins so is a text: no control characters but those of white space; the last character may be cut. */
export function isText(head: Buffer): boolean {
  const whole = head.subarray(0, head.length - cutCharacter(head));
  return isUtf8(whole) && !control.test(whole.toString("latin1"));
}

function check(bytes: Buffer, at: number): void {
  const zero = bytes.indexOf(0);
  if (zero !== -1) throw new Refused("text-encoding", at + zero, "a zero byte, which no text has.");
  if (!isUtf8(bytes))
    throw new Refused("text-encoding", at + firstBad(bytes), "this is not UTF-8.");
}

/** The byte that no UTF-8 has at its place, or at which a character begins that is cut. */
function firstBad(bytes: Buffer): number {
  let [low, high] = [0, bytes.length + 1];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const part = bytes.subarray(0, middle);
    if (isUtf8(part.subarray(0, middle - cutCharacter(part)))) low = middle;
    else high = middle;
  }
  return Math.min(low, bytes.length - cutCharacter(bytes));
}

/** How many bytes at the end begin a character that goes on (RFC 3629: a lead byte tells its length). */
function cutCharacter(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0xc2 && byte <= 0xf4) return back < lengthBy(byte) ? back : 0;
    if (byte < 0x80 || byte >= 0xc0) return 0;
  }
  return 0;
}

function lengthBy(lead: number): number {
  if (lead >= 0xf0) return 4;
  return lead >= 0xe0 ? 3 : 2;
}
