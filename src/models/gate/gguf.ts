import { createHash } from "node:crypto";
import { arrayType, stringType, tensorTypes, valueSizes } from "./gguf-types.ts";
import { amount, type Input, type Note, type Reading } from "./input.ts";
import { Refused } from "./refused.ts";

/** What a file may have: far more than any model, and little enough for memory. */
const mostValues = 2 ** 16;
const mostTensors = 2 ** 17;
const longestKey = 256;
const longestName = 64;
const longestString = 2 ** 20;
const mostDimensions = 4;
const limits = "gguf-limits";

const alignmentKey = "general.alignment";

/** A GGUF file (ggml, docs/gguf.md, versions 2 and 3): metadata, tensors, and their data one after the other. Its chat templates are noted. */
export function* gguf(input: Input, note: Note): Reading<void> {
  while (!input.has(24)) yield;
  input.skip(4);
  const version = input.u32();
  const [tensors, values] = [input.u64(), input.u64()];
  if (version !== 2 && version !== 3)
    throw new Refused("gguf-header", 4, `version ${version}; 2 and 3 are known.`);
  if (tensors > mostTensors || values > mostValues)
    throw new Refused(
      limits,
      8,
      `${amount(tensors, "tensor")} and ${amount(values, "value")}: at most ${mostTensors} and ${mostValues} are read.`,
    );
  const found: Metadata = { keys: new Set(), alignment: 32, note };
  for (let left = values; left > 0; left -= 1) yield* metadata(input, found);
  const size = yield* tensorInfos(input, tensors, found.alignment);
  const start = padded(input.at, found.alignment);
  const end = start + size.exact;
  if (input.end < end || input.end > start + size.padded)
    throw new Refused(
      "gguf-end",
      Math.min(end, input.end),
      `the tensors end at byte ${end.toLocaleString("en-US")}, the file at ${input.end.toLocaleString("en-US")}.`,
    );
  input.skip(input.left);
}

/** What is kept of the metadata. */
interface Metadata {
  readonly keys: Set<string>;
  readonly note: Note;
  alignment: number;
}

function* metadata(input: Input, found: Metadata): Reading<void> {
  const at = input.at;
  const key = yield* text(input, longestKey);
  if (!/^[a-zA-Z0-9_.:/-]+$/.test(key) || found.keys.has(key))
    throw new Refused(
      "gguf-metadata",
      at,
      `the key ${JSON.stringify(key)} is none, or there twice.`,
    );
  found.keys.add(key);
  while (!input.has(4)) yield;
  const type = input.u32();
  if (key === alignmentKey) found.alignment = yield* alignment(input, type);
  else if (type === stringType && /^tokenizer\.chat_template(?:\.|$)/.test(key)) {
    const place = input.at;
    found.note(templateNote(key, yield* text(input, longestString), place));
  } else yield* value(input, type, key);
}

function* alignment(input: Input, type: number): Reading<number> {
  while (!input.has(4)) yield;
  const value = type === 4 ? input.u32() : 0;
  if (value < 8 || value > 2 ** 20 || (value & (value - 1)) !== 0)
    throw new Refused(
      "gguf-metadata",
      input.at,
      `${alignmentKey} is no power of two from 8 to 2²⁰.`,
    );
  return value;
}

function* value(input: Input, type: number, key: string): Reading<void> {
  const at = input.at;
  const size = valueSizes.get(type);
  if (size !== undefined) input.skip(size);
  else if (type === stringType) yield* string(input);
  else if (type === arrayType) yield* array(input, key);
  else throw new Refused("gguf-metadata", at, `${key} is of the type ${type}, which is none.`);
}

function* array(input: Input, key: string): Reading<void> {
  while (!input.has(12)) yield;
  const at = input.at;
  const type = input.u32();
  const count = input.u64();
  const size = type === stringType ? 8 : valueSizes.get(type);
  if (size === undefined)
    throw new Refused("gguf-metadata", at, `${key} is a list of the type ${type}, which is none.`);
  if (count * size > input.left)
    throw new Refused(
      "truncated",
      at,
      `${key} has ${amount(count, "element")}: more than the file.`,
    );
  if (type !== stringType) input.skip(count * size);
  else for (let left = count; left > 0; left -= 1) yield* string(input);
}

/** Passes over a string. */
function* string(input: Input): Reading<void> {
  while (!input.has(8)) yield;
  const at = input.at;
  const size = input.u64();
  if (size > longestString) throw new Refused(limits, at, `a string of ${amount(size, "byte")}.`);
  input.skip(size);
}

/** A string of at most so many bytes. */
function* text(input: Input, longest: number): Reading<string> {
  while (!input.has(8)) yield;
  const at = input.at;
  const size = input.u64();
  if (size > longest) throw new Refused(limits, at, `a string of ${amount(size, "byte")}.`);
  const pieces: Buffer[] = [];
  for (let left = size; left > 0; ) {
    while (!input.has(1)) yield;
    const piece = Buffer.from(input.take(Math.min(left, input.rest().length)));
    pieces.push(piece);
    left -= piece.length;
  }
  return Buffer.concat(pieces).toString();
}

/** Names by which a template gets from a text to the program that runs it (server-side template injection). */
const wayOut =
  /__(?:class|base|bases|mro|subclasses|globals|builtins|import|init|dict|code|reduce|getattribute)__/;

function templateNote(key: string, template: string, at: number): string {
  const [found] = wayOut.exec(template) ?? [];
  if (found !== undefined)
    throw new Refused("gguf-chat-template", at, `${key} uses ${found}, which no template needs.`);
  const sha256 = createHash("sha256").update(template).digest("hex");
  return `${key} of ${amount(template.length, "character")}, sha256 ${sha256}`;
}

/** Bytes of all tensors, each of which begins where the one before it ends, aligned; without and with what fills up the last one. */
function* tensorInfos(
  input: Input,
  count: number,
  alignment: number,
): Reading<{ exact: number; padded: number }> {
  const names = new Set<string>();
  let exact = 0;
  for (let left = count; left > 0; left -= 1) {
    const at = input.at;
    const name = yield* text(input, longestName);
    if (names.has(name))
      throw new Refused("gguf-tensor", at, `the tensor ${JSON.stringify(name)} is there twice.`);
    names.add(name);
    const { offset, size } = yield* tensorInfo(input, name, at);
    const wanted = padded(exact, alignment);
    if (offset !== wanted)
      throw new Refused(
        "gguf-tensor",
        at,
        `the tensor ${JSON.stringify(name)} lies at ${offset} of the data: it must begin at ${wanted}.`,
      );
    exact = wanted + size;
  }
  return { exact, padded: padded(exact, alignment) };
}

function* tensorInfo(
  input: Input,
  name: string,
  at: number,
): Reading<{ offset: number; size: number }> {
  while (!input.has(4)) yield;
  const dimensions = input.u32();
  if (dimensions > mostDimensions)
    throw new Refused("gguf-tensor", at, `${JSON.stringify(name)} has ${dimensions} dimensions.`);
  while (!input.has(8 * dimensions + 12)) yield;
  const sides = Array.from({ length: dimensions }, () => input.u64());
  const type = input.u32();
  const offset = input.u64();
  const [blockElements, blockBytes] = tensorTypes.get(type) ?? [Number.NaN, Number.NaN];
  const elements = sides.reduce((product, side) => product * side, 1);
  const size = (elements / blockElements) * blockBytes;
  if (!Number.isSafeInteger(size) || (sides[0] ?? 1) % blockElements !== 0)
    throw new Refused(
      "gguf-tensor",
      at,
      `${JSON.stringify(name)} has sides [${sides}] of the type ${type}, which has no possible size.`,
    );
  return { offset, size };
}

function padded(size: number, alignment: number): number {
  return Math.ceil(size / alignment) * alignment;
}
