import { amount, type Input, type Reading } from "./input.ts";
import { integer, rule as json, oneOf, string, symbol } from "./json-tokens.ts";
import { Refused } from "./refused.ts";

/** Longest header that the format allows, in bytes. */
export const longestHeader = 100_000_000;

/** What a header may hold, so that reading it takes a bounded memory. */
const limits = "safetensors-limits";
const mostTensors = 2 ** 17;
const longestNames = 16 * 2 ** 20;
const mostSides = 64;

/** Bits of one element. */
const bits: ReadonlyMap<string, number> = new Map([
  ["F4", 4],
  ...["F6_E2M3", "F6_E3M2"].map((name) => [name, 6] as const),
  ...["BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"].map(
    (name) => [name, 8] as const,
  ),
  ...["U16", "I16", "F16", "BF16"].map((name) => [name, 16] as const),
  ...["U32", "I32", "F32"].map((name) => [name, 32] as const),
  ...["U64", "I64", "F64", "C64"].map((name) => [name, 64] as const),
]);

interface Tensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Of its bytes, from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

/** A file of the safetensors format: the header's length, the header, and tensors that lie in the rest without gap or overlap. */
export function* safetensors(input: Input): Reading<void> {
  while (!input.has(8)) yield;
  const length = input.u64();
  if (length > longestHeader || length > input.left)
    throw new Refused(
      "safetensors-length",
      0,
      `the header has ${amount(length, "byte")}: at most ${amount(Math.min(longestHeader, input.left), "byte")} are possible.`,
    );
  const file = input.end;
  input.end = input.at + length;
  const tensors = yield* header(input);
  input.end = file;
  checkOffsets(tensors, input.left, input.at);
  input.skip(input.left);
}

function* header(input: Input): Reading<readonly Tensor[]> {
  const tensors: Tensor[] = [];
  const names = new Names();
  while (!input.has(1)) yield;
  if (input.peek() !== 0x7b) throw new Refused(json, input.at, "the header does not begin with {.");
  input.skip(1);
  for (let next = yield* firstOf(input, "}"); next !== "}"; next = yield* oneOf(input, ",}")) {
    const at = input.at;
    const name = yield* string(input);
    names.add(name, at);
    yield* oneOf(input, ":");
    if (name === "__metadata__") yield* metadata(input);
    else tensors.push(yield* tensor(input, name));
    if (tensors.length > mostTensors)
      throw new Refused(limits, at, `more than ${amount(mostTensors, "tensor")}.`);
  }
  for (; input.left > 0; input.skip(1)) {
    while (!input.has(1)) yield;
    if (input.peek() !== 0x20)
      throw new Refused(json, input.at, "something other than spaces follows the header's end.");
  }
  return tensors;
}

/** The closing character of an object or a list that is empty; else nothing is taken. */
function* firstOf(input: Input, close: string): Reading<string> {
  for (;;) {
    while (!input.has(1)) yield;
    const next = String.fromCharCode(input.peek());
    if (!" \t\r\n".includes(next) && next !== close) return next;
    input.skip(1);
    if (next === close) return close;
  }
}

/** Texts by name, of which nothing is kept but the names. */
function* metadata(input: Input): Reading<void> {
  const names = new Names();
  yield* oneOf(input, "{");
  for (let next = yield* firstOf(input, "}"); next !== "}"; next = yield* oneOf(input, ",}")) {
    const at = input.at;
    names.add(yield* string(input), at);
    yield* oneOf(input, ":");
    yield* string(input);
  }
}

function* tensor(input: Input, name: string): Reading<Tensor> {
  const at = input.at;
  const { dtype, shape, data_offsets: offsets } = yield* fields(input, name);
  const [begin = 0, end, ...more] = offsets ?? [];
  if (dtype === undefined || shape === undefined || end === undefined || more.length > 0)
    throw new Refused(
      "safetensors-tensor",
      at,
      `the tensor ${quoted(name)} lacks a dtype, a shape or two data_offsets.`,
    );
  if (!bits.has(dtype))
    throw new Refused(
      "safetensors-dtype",
      at,
      `the tensor ${quoted(name)} has the dtype ${quoted(dtype)}, which is none.`,
    );
  return { name, dtype, shape, begin, end };
}

interface Fields {
  dtype?: string;
  shape?: readonly number[];
  data_offsets?: readonly number[];
}

function* fields(input: Input, tensorName: string): Reading<Fields> {
  const found: Fields = {};
  yield* oneOf(input, "{");
  for (let next = yield* firstOf(input, "}"); next !== "}"; next = yield* oneOf(input, ",}")) {
    const at = input.at;
    const name = yield* string(input);
    const what = `${quoted(name)} of the tensor ${quoted(tensorName)}`;
    if (Object.hasOwn(found, name))
      throw new Refused("safetensors-duplicate", at, `${what} is there twice.`);
    yield* oneOf(input, ":");
    if (name === "dtype") found.dtype = yield* string(input);
    else if (name === "shape" || name === "data_offsets") found[name] = yield* integers(input);
    else
      throw new Refused(
        "safetensors-tensor",
        at,
        `${what} is none of dtype, shape and data_offsets.`,
      );
  }
  return found;
}

function* integers(input: Input): Reading<readonly number[]> {
  const values: number[] = [];
  yield* oneOf(input, "[");
  for (let next = yield* firstOf(input, "]"); next !== "]"; ) {
    const read = yield* integer(input, yield* symbol(input));
    values.push(read.value);
    if (values.length > mostSides)
      throw new Refused(limits, input.at, `a list of more than ${mostSides} numbers.`);
    next = read.next;
    if (next !== "," && next !== "]")
      throw new Refused(json, input.at - 1, `${quoted(next)} stands where , or ] is wanted.`);
  }
  return values;
}

/** Names that must be there once each. */
class Names {
  readonly #seen = new Set<string>();
  #size = 0;

  add(name: string, at: number): void {
    if (this.#seen.has(name))
      throw new Refused("safetensors-duplicate", at, `the name ${quoted(name)} is there twice.`);
    this.#seen.add(name);
    this.#size += name.length;
    if (this.#size > longestNames || this.#seen.size > mostTensors + 1)
      throw new Refused(
        limits,
        at,
        `names of more than ${amount(longestNames, "byte")}, or more than ${mostTensors}.`,
      );
  }
}

/** Tensors by their place must lie one after the other from 0 to the end of the file, each of the size that its shape has. */
function checkOffsets(tensors: readonly Tensor[], size: number, at: number): void {
  let place = 0;
  for (const tensor of tensors.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    const { name, begin, end } = tensor;
    if (begin !== place || end < begin)
      throw new Refused(
        "safetensors-offsets",
        at + place,
        `the tensor ${quoted(name)} has data_offsets [${begin}, ${end}]: it must begin at ${place}, where the one before it ends.`,
      );
    const wanted = bytesOf(tensor);
    if (end - begin !== wanted)
      throw new Refused(
        "safetensors-size",
        at + begin,
        `the tensor ${quoted(name)} has ${amount(end - begin, "byte")}, its shape [${tensor.shape}] of ${tensor.dtype} has ${wanted ?? "no possible size"}.`,
      );
    place = end;
  }
  if (place !== size)
    throw new Refused(
      "safetensors-end",
      at + Math.min(place, size),
      `the tensors end after ${amount(place, "byte")}, the file after ${amount(size, "byte")}.`,
    );
}

/** Bytes of a tensor; undefined where the number is too large, or the last byte is not whole. */
function bytesOf({ dtype, shape }: Tensor): number | undefined {
  const each = bits.get(dtype) ?? Number.NaN;
  let elements = 1;
  for (const side of shape) {
    elements *= side;
    if (!Number.isSafeInteger(elements)) return undefined;
  }
  const size = (elements * each) / 8;
  return Number.isSafeInteger(size) ? size : undefined;
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 79)}…` : name);
}
