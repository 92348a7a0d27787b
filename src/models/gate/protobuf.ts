import { amount, type Input, type Reading } from "./input.ts";
import { Refused } from "./refused.ts";

/**
 * What a field holds: a number, `bytes` that are passed over, `text` that the visitor sees, or a message by its name. `numbers` may be
 * packed into bytes.
 */
type Kind = "varint" | "fixed32" | "fixed64" | "numbers" | "bytes" | "text" | { message: string };

/** Messages by name, their fields by number. */
export type Schema = Readonly<Record<string, Readonly<Record<number, Kind>>>>;

export interface Visitor {
  /** Called with each text and each number of a message. */
  value?(message: string, field: number, value: Buffer | number, at: number): void;
  leave?(message: string, at: number): void;
}

/** As deep as protobuf's own readers go. */
const deepest = 100;
/** A text that is looked at has a name or a path. */
const longestText = 4096;

interface Open {
  readonly message: string;
  readonly end: number;
}

export interface Format {
  readonly schema: Schema;
  /** The message that the file is. */
  readonly root: string;
  /** The rule that a file breaks which is none. */
  readonly rule: string;
}

/** A message to the end of the file: only fields that the schema has, and no more bytes than the message around them has. */
export function* protobuf(input: Input, format: Format, visitor: Visitor = {}): Reading<void> {
  const open: Open[] = [{ message: format.root, end: input.end }];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    input.end = top.end;
    const at = input.at;
    if (at === top.end) {
      visitor.leave?.(top.message, at);
      open.pop();
      continue;
    }
    const tag = yield* varint(input, format.rule);
    const place = { message: top.message, field: Math.floor(tag / 8), at };
    const kind = kindOf(format, place, tag % 8);
    if (tag % 8 !== 2) {
      const value = yield* number(input, tag % 8, format.rule);
      visitor.value?.(place.message, place.field, value, at);
    } else if (typeof kind !== "object") yield* delimited(input, kind, place, format, visitor);
    else {
      const size = yield* length(input, place, format);
      if (open.length >= deepest)
        throw new Refused(format.rule, at, `messages deeper than ${deepest}.`);
      open.push({ message: kind.message, end: input.at + size });
    }
  }
}

interface Place {
  readonly message: string;
  readonly field: number;
  readonly at: number;
}

function kindOf({ schema, rule }: Format, { message, field, at }: Place, wire: number): Kind {
  const kind = schema[message]?.[field];
  if (kind === undefined || !fits(kind, wire))
    throw new Refused(rule, at, `${message} has no field ${field} of wire type ${wire}.`);
  return kind;
}

function* length(input: Input, { message, field, at }: Place, { rule }: Format): Reading<number> {
  const size = yield* varint(input, rule);
  if (size > input.left)
    throw new Refused(
      "truncated",
      at,
      `field ${field} of ${message} has ${amount(size, "byte")}: ${amount(input.left, "byte")} are left.`,
    );
  return size;
}

/** Bytes that hold no message: passed over, or shown to the visitor. */
function* delimited(
  input: Input,
  kind: Kind,
  place: Place,
  format: Format,
  visitor: Visitor,
): Reading<void> {
  const size = yield* length(input, place, format);
  if (kind !== "text") {
    input.skip(size);
    return;
  }
  if (size > longestText)
    throw new Refused(format.rule, place.at, `a text of ${amount(size, "byte")}.`);
  while (!input.has(size)) yield;
  visitor.value?.(place.message, place.field, Buffer.from(input.take(size)), place.at);
}

/** Protocol buffers, "Encoding": wire types 0 varint, 1 eight bytes, 2 a length, 5 four bytes. */
function fits(kind: Kind, wire: number): boolean {
  switch (kind) {
    case "varint":
      return wire === 0;
    case "fixed32":
      return wire === 5;
    case "fixed64":
      return wire === 1;
    case "numbers":
      return wire === 0 || wire === 1 || wire === 2 || wire === 5;
    default:
      return wire === 2;
  }
}

function* number(input: Input, wire: number, rule: string): Reading<number> {
  if (wire === 0) return yield* varint(input, rule);
  const size = wire === 1 ? 8 : 4;
  while (!input.has(size)) yield;
  return size === 8 ? input.u64() : input.u32();
}

/** Above 2⁵³ not exact, but above 2⁵³. */
function* varint(input: Input, rule: string): Reading<number> {
  const at = input.at;
  let value = 0;
  for (let place = 0; place < 10; place += 1) {
    while (!input.has(1)) yield;
    const byte = input.u8();
    value += (byte & 0x7f) * 2 ** (7 * place);
    if (byte < 0x80) return value;
  }
  throw new Refused(rule, at, "a number of more than 10 bytes.");
}
