import type { Input, Reading } from "./input.ts";
import { Refused } from "./refused.ts";
import { centralHeader, type Entry, signatures } from "./zip-records.ts";

const rule = "zip-directory";

/**
 * The directory at the end, and what closes it: exactly the entries that were met, in their order, at their places, and then the file's end.
 * Whoever reads by the directory, as torch does, sees what was looked at here.
 */
export function* directory(input: Input, entries: readonly Entry[]): Reading<void> {
  const start = input.at;
  for (const entry of entries) {
    const at = input.at;
    yield* expect(input, signatures.central, "the directory's next entry");
    sameEntry(yield* centralHeader(input), entry, at);
  }
  const size = input.at - start;
  const sums = { entries: entries.length, size, start };
  const wideAt = input.at;
  while (!input.has(4)) yield;
  const isWide = input.peek32() === signatures.end64;
  if (isWide) yield* wideEnd(input, sums, wideAt);
  yield* end(input, sums, isWide);
}

interface Sums {
  readonly entries: number;
  readonly size: number;
  readonly start: number;
}

function* expect(input: Input, signature: number, what: string): Reading<void> {
  while (!input.has(4)) yield;
  if (input.peek32() !== signature)
    throw new Refused("zip-structure", input.at, `this is not ${what}.`);
}

function sameEntry(listed: Entry, met: Entry, at: number): void {
  for (const field of ["name", "at", "size", "crc", "flags"] as const)
    if (listed[field] !== met[field])
      throw new Refused(
        rule,
        at,
        `the directory says ${field} ${JSON.stringify(listed[field])} of an entry, its own header ${JSON.stringify(met[field])}.`,
      );
}

/** The record of 64 bits and its locator (section 4.3.14 and 4.3.15). */
function* wideEnd(input: Input, { entries, size, start }: Sums, recordAt: number): Reading<void> {
  while (!input.has(76)) yield;
  const bytes = Buffer.from(input.take(76));
  const at = (place: number) => Number(bytes.readBigUInt64LE(place));
  const right =
    at(4) === 44 &&
    bytes.readUInt32LE(16) === 0 &&
    bytes.readUInt32LE(20) === 0 &&
    at(24) === entries &&
    at(32) === entries &&
    at(40) === size &&
    at(48) === start &&
    bytes.readUInt32LE(56) === signatures.locator &&
    bytes.readUInt32LE(60) === 0 &&
    at(64) === recordAt &&
    bytes.readUInt32LE(72) === 1;
  if (!right) throw new Refused(rule, recordAt, "the end of 64 bits is not that of what was met.");
}

function* end(input: Input, { entries, size, start }: Sums, isWide: boolean): Reading<void> {
  const at = input.at;
  yield* expect(input, signatures.end, "the directory's end");
  while (!input.has(22)) yield;
  const bytes = Buffer.from(input.take(22));
  const says = (seen: number, value: number, ones: number) =>
    seen === value || (isWide && seen === ones);
  const right =
    bytes.readUInt32LE(4) === 0 &&
    says(bytes.readUInt16LE(8), entries, 0xffff) &&
    says(bytes.readUInt16LE(10), entries, 0xffff) &&
    says(bytes.readUInt32LE(12), size, 0xffffffff) &&
    says(bytes.readUInt32LE(16), start, 0xffffffff);
  if (!right) throw new Refused(rule, at, "the directory's end is not that of what was met.");
  if (bytes.readUInt16LE(20) !== 0)
    throw new Refused("zip-structure", at + 20, "a comment follows the directory.");
}
