import { amount, type Input, type Reading } from "./input.ts";
import { type JsonCursor, part } from "./json-cursor.ts";
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
  if (input.peek() !== 0x7b)
    throw new Refused("safetensors-json", input.at, "the header does not begin with {.");
  for (let next = yield* part(input, first); next !== "}"; next = yield* part(input, another)) {
    const member = yield* part(input, (json) => memberOf(json, names));
    if (member === metadataName) yield* metadata(input);
    else tensors.push(member);
    if (tensors.length > mostTensors)
      throw new Refused(limits, input.at, `more than ${amount(mostTensors, "tensor")}.`);
  }
  for (; input.left > 0; input.skip(1)) {
    while (!input.has(1)) yield;
    if (input.peek() !== 0x20)
      throw new Refused(
        "safetensors-json",
        input.at,
        "something other than spaces ends the header.",
      );
  }
  return tensors;
}

const metadataName = "__metadata__";

/** The brace that begins an object; and the one that ends it, where it is empty. */
function first(json: JsonCursor): string {
  json.oneOf("{");
  return json.peek() === "}" ? json.oneOf("}") : "{";
}

const another = (json: JsonCursor) => json.oneOf(",}");

/** A tensor by its name; of the metadata the name only. */
function memberOf(json: JsonCursor, names: Names): Tensor | typeof metadataName {
  json.peek();
  const at = json.at;
  const name = json.string();
  json.oneOf(":");
  const member = name === metadataName ? metadataName : tensor(json, name);
  names.add(name, at);
  return member;
}

/** Texts by name, of which nothing is kept but the names. */
function* metadata(input: Input): Reading<void> {
  const names = new Names();
  const pair = (json: JsonCursor) => {
    json.peek();
    const at = json.at;
    const name = json.string();
    json.oneOf(":");
    json.string();
    names.add(name, at);
  };
  for (let next = yield* part(input, first); next !== "}"; next = yield* part(input, another))
    yield* part(input, pair);
}

function tensor(json: JsonCursor, name: string): Tensor {
  const at = json.at;
  const { dtype, shape, data_offsets: offsets } = fields(json, name);
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

function fields(json: JsonCursor, tensorName: string): Fields {
  const found: Fields = {};
  for (let next = first(json); next !== "}"; next = another(json)) {
    json.peek();
    const at = json.at;
    const name = json.string();
    const what = () => `${quoted(name)} of the tensor ${quoted(tensorName)}`;
    if (Object.hasOwn(found, name))
      throw new Refused("safetensors-duplicate", at, `${what()} is there twice.`);
    json.oneOf(":");
    if (name === "dtype") found.dtype = json.string();
    else if (name === "shape" || name === "data_offsets") found[name] = integers(json);
    else
      throw new Refused(
        "safetensors-tensor",
        at,
        `${what()} is none of dtype, shape and data_offsets.`,
      );
  }
  return found;
}

function integers(json: JsonCursor): readonly number[] {
  const values: number[] = [];
  json.oneOf("[");
  if (json.peek() === "]") json.next += 1;
  else {
    do values.push(json.integer());
    while (json.oneOf(",]") === "," && values.length < mostSides);
  }
  if (values.length >= mostSides)
    throw new Refused(limits, json.at, `a list of ${mostSides} numbers or more.`);
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
