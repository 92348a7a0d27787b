import { isUtf8 } from "node:buffer";
import { pathProblem } from "../shapes.ts";
import { amount, type Input, type Reading } from "./input.ts";
import { Refused } from "./refused.ts";

/** The records' first four bytes (PKWARE, APPNOTE.TXT 6.3.10, section 4.3). */
export const signatures = {
  local: 0x04034b50,
  descriptor: 0x08074b50,
  central: 0x02014b50,
  end64: 0x06064b50,
  locator: 0x07064b50,
  end: 0x06054b50,
} as const;

/** What a header says of an entry. */
export interface Header {
  readonly name: string;
  readonly flags: number;
  readonly crc: number;
  /** Undefined where they follow the bytes, in a descriptor. */
  readonly size: number | undefined;
}

/** An entry as it was met: its header's place, what the header and the descriptor say. */
export interface Entry extends Header {
  readonly at: number;
  readonly size: number;
}

export const descriptorFlag = 0x0008;
const nameFlag = 0x0800;
const most32 = 0xffffffff;
const longestName = 512;
const longestExtra = 4096;

/** Extra fields: sizes of 64 bits, and torch's own for alignment. */
const zip64Field = 0x0001;
const paddingField = 0x4246;

/** The header before an entry's bytes. */
export function* localHeader(input: Input): Reading<Header> {
  while (!input.has(30)) yield;
  const at = input.at;
  const fixed = Buffer.from(input.take(30));
  const flags = fixed.readUInt16LE(6);
  checkForm(flags, fixed.readUInt16LE(8), at);
  const name = yield* nameOf(input, fixed.readUInt16LE(26));
  const wide = yield* extra(input, fixed.readUInt16LE(28));
  const follows = (flags & descriptorFlag) !== 0;
  const [packed, size] = [fixed.readUInt32LE(18), fixed.readUInt32LE(22)];
  if (follows && packed === 0 && size === 0)
    return { name, flags, crc: fixed.readUInt32LE(14), size: undefined };
  const sizes = widened(wide, [size, packed], at);
  return { name, flags, crc: fixed.readUInt32LE(14), size: stored(sizes, at) };
}

/** The record after an entry's bytes, where its header says that one follows. Gives the checksum. */
export function* descriptor(input: Input, size: number): Reading<number> {
  while (!input.has(28)) yield;
  const at = input.at;
  const crc = input.peek32(4);
  const rest = input.rest();
  const begins = (place: number) => {
    const next = rest.readUInt32LE(place);
    return next === signatures.local || next === signatures.central;
  };
  const wide = [rest.readBigUInt64LE(8), rest.readBigUInt64LE(16)];
  const narrow = [rest.readUInt32LE(8), rest.readUInt32LE(12)];
  const length = [
    ...(narrow.every((seen) => seen === size) && begins(16) ? [16] : []),
    ...(wide.every((seen) => seen === BigInt(size)) && begins(24) ? [24] : []),
  ];
  if (input.peek32() !== signatures.descriptor || length.length !== 1)
    throw new Refused(
      "zip-structure",
      at,
      `the bytes before are ${size}: no record follows that says so.`,
    );
  input.skip(length[0] ?? 0);
  return crc;
}

/** One entry of the directory at the end, with the place of its local header. */
export function* centralHeader(input: Input): Reading<Entry> {
  while (!input.has(46)) yield;
  const at = input.at;
  const fixed = Buffer.from(input.take(46));
  const flags = fixed.readUInt16LE(8);
  checkForm(flags, fixed.readUInt16LE(10), at);
  const name = yield* nameOf(input, fixed.readUInt16LE(28));
  const wide = yield* extra(input, fixed.readUInt16LE(30));
  if (fixed.readUInt16LE(32) !== 0 || fixed.readUInt16LE(34) !== 0)
    throw new Refused("zip-structure", at, "an entry with a comment, or on another disk.");
  const kind = fixed.readUInt16LE(40) & 0xf000;
  if (kind !== 0 && kind !== 0x8000)
    throw new Refused(
      "zip-link",
      at,
      `${JSON.stringify(name)} is a ${kind === 0xa000 ? "symbolic link" : "special file"}.`,
    );
  const [size = 0, packed = 0, place = 0] = widened(
    wide,
    [fixed.readUInt32LE(24), fixed.readUInt32LE(20), fixed.readUInt32LE(42)],
    at,
  );
  const crc = fixed.readUInt32LE(16);
  return { name, flags, crc, size: stored([size, packed], at), at: place };
}

/** The fields that are all ones have their values in the extra field, in this order (section 4.5.3). */
function widened(
  wide: Buffer | undefined,
  values: readonly number[],
  at: number,
): readonly number[] {
  const needed = values.filter((value) => value === most32).length;
  if ((wide?.length ?? 0) !== 8 * needed)
    throw new Refused(
      "zip-structure",
      at,
      "the sizes of 64 bits are not those that are announced.",
    );
  let next = 0;
  return values.map((value) =>
    value === most32 ? Number(wide?.readBigUInt64LE(8 * next++)) : value,
  );
}

function stored([size = 0, packed = 0]: readonly number[], at: number): number {
  if (size !== packed)
    throw new Refused(
      "zip-compressed",
      at,
      `an entry of ${amount(size, "byte")} in ${packed.toLocaleString("en-US")}: torch compresses nothing.`,
    );
  return size;
}

function checkForm(flags: number, method: number, at: number): void {
  if ((flags & 0x2041) !== 0) throw new Refused("zip-encrypted", at, "an entry is encrypted.");
  if (method !== 0)
    throw new Refused(
      "zip-compressed",
      at,
      `an entry is compressed (method ${method}): torch compresses nothing.`,
    );
  if ((flags & ~(descriptorFlag | nameFlag)) !== 0)
    throw new Refused("zip-structure", at, `flags 0x${flags.toString(16)} that torch never sets.`);
}

function* nameOf(input: Input, length: number): Reading<string> {
  const at = input.at;
  if (length > longestName)
    throw new Refused("zip-name", at, `a name of ${amount(length, "byte")}.`);
  while (!input.has(length)) yield;
  const bytes = input.take(length);
  const name = bytes.toString();
  const problem = isUtf8(bytes) ? pathProblem(name) : "the name is not UTF-8";
  if (problem !== undefined) throw new Refused("zip-name", at, `${problem}.`);
  return name;
}

/** The sizes of 64 bits among the extra fields; a Refused for a field that torch does not write. */
function* extra(input: Input, length: number): Reading<Buffer | undefined> {
  const at = input.at;
  if (length > longestExtra)
    throw new Refused("zip-limits", at, `extra fields of ${amount(length, "byte")}.`);
  while (!input.has(length)) yield;
  const bytes = Buffer.from(input.take(length));
  let wide: Buffer | undefined;
  for (let next = 0; next < length; ) {
    const field = fieldAt(bytes, next);
    if (field === undefined || (field.id === zip64Field && wide !== undefined))
      throw new Refused("zip-structure", at + next, "an extra field that torch does not write.");
    if (field.id === zip64Field) wide = field.value;
    next += 4 + field.value.length;
  }
  return wide;
}

/** An extra field that is known and whole. */
function fieldAt(bytes: Buffer, at: number): { id: number; value: Buffer } | undefined {
  if (at + 4 > bytes.length) return undefined;
  const id = bytes.readUInt16LE(at);
  const size = bytes.readUInt16LE(at + 2);
  const isKnown = id === zip64Field || id === paddingField;
  if (!isKnown || at + 4 + size > bytes.length) return undefined;
  return { id, value: bytes.subarray(at + 4, at + 4 + size) };
}
