import type { Sample } from "./sample.ts";
import { u32, u64 } from "./zips.ts";

const all = Buffer.concat.bind(Buffer);
const text = (value: string) => all([u64(value.length), Buffer.from(value)]);
const entry = (key: string, type: number, value: Buffer) => all([text(key), u32(type), value]);
const name = entry("general.architecture", 8, text("llama"));

interface Info {
  readonly name?: string;
  readonly sides?: readonly number[];
  readonly type?: number;
  readonly offset?: number;
}

const info = ({ name: called = "w", sides = [8, 4], type = 0, offset = 0 }: Info = {}) =>
  all([text(called), u32(sides.length), u64(...sides), u32(type), u64(offset)]);

/** Header, metadata, tensors and data, which begins at a multiple of the alignment. */
function file(
  metadata: readonly Buffer[],
  tensors: readonly Buffer[],
  data: number,
  {
    version = 3,
    counts = [tensors.length, metadata.length],
    align = 32,
  }: { version?: number; counts?: readonly number[]; align?: number } = {},
): Buffer {
  const head = all([Buffer.from("GGUF"), u32(version), u64(...counts), ...metadata, ...tensors]);
  return all([head, Buffer.alloc(Math.ceil(head.length / align) * align - head.length + data)]);
}

const template = "{% for m in messages %}{{ m['content'] }}{% endfor %}";
const chat = (value: string) => entry("tokenizer.chat_template", 8, text(value));
const list = (type: number, count: number, values: Buffer) =>
  entry("tokenizer.ggml.tokens", 9, all([u32(type), u64(count), values]));

export const ggufSamples: readonly Sample[] = [
  ["a tensor", file([name], [info()], 128), "passed"],
  ["version 2", file([name], [info()], 128, { version: 2 }), "passed"],
  ["no tensors", file([name], [], 0), "passed"],
  [
    "every kind of value",
    file(
      [...Array(13).keys()].flatMap((type) => {
        const size = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8][type] ?? 0;
        return size === 0 ? [] : [entry(`k.${type}`, type, Buffer.alloc(size))];
      }),
      [],
      0,
    ),
    "passed",
  ],
  ["a list of strings", file([list(8, 2, all([text("a"), text("bc")]))], [], 0), "passed"],
  [
    "two tensors, the first filled up",
    file([], [info({ sides: [3] }), info({ name: "v", sides: [5], offset: 32 })], 64),
    "passed",
  ],
  [
    "two tensors, the last not filled up",
    file([], [info({ sides: [3] }), info({ name: "v", sides: [5], offset: 32 })], 52),
    "passed",
  ],
  ["blocks of four bits", file([], [info({ sides: [256, 2], type: 12 })], 288), "passed"],
  [
    "another alignment",
    file([entry("general.alignment", 4, u32(64))], [info()], 128, { align: 64 }),
    "passed",
  ],
  ["a chat template", file([chat(template)], [], 0), "passed"],

  [
    "a chat template that leaves its sandbox",
    file([chat("{{ x.__class__.__mro__ }}")], [], 0),
    "gguf-chat-template",
  ],
  [
    "a chat template by another name that does",
    file([entry("tokenizer.chat_template.tool", 8, text("{{ ().__class__ }}"))], [], 0),
    "gguf-chat-template",
  ],
  ["a chat template of two megabytes", file([chat("x".repeat(2 ** 21))], [], 0), "gguf-limits"],
  ["version 1", file([name], [], 0, { version: 1 }), "gguf-header"],
  ["the other end first", file([name], [], 0, { version: 0x03000000 }), "gguf-header"],
  ["2⁶⁰ values", file([name], [], 0, { counts: [0, 2 ** 60] }), "gguf-limits"],
  ["2⁶⁰ tensors", file([name], [], 0, { counts: [2 ** 60, 1] }), "gguf-limits"],
  ["more values than there are", file([name], [], 0, { counts: [0, 3] }), "gguf-metadata"],
  ["a string of 2⁶⁰ bytes", file([entry("k", 8, u64(2 ** 60))], [], 0), "gguf-limits"],
  ["a string longer than the file", file([entry("k", 8, u64(1000))], [], 0), "truncated"],
  ["a list longer than the file", file([list(4, 2 ** 40, Buffer.alloc(0))], [], 0), "truncated"],
  ["a list of lists", file([list(9, 1, all([u32(4), u64(1), u32(1)]))], [], 0), "gguf-metadata"],
  ["a value of a type that is none", file([entry("k", 13, u32(1))], [], 0), "gguf-metadata"],
  ["a key that is there twice", file([name, name], [], 0), "gguf-metadata"],
  ["a key with a zero byte", file([entry("a\0b", 0, Buffer.alloc(1))], [], 0), "gguf-metadata"],
  [
    "a key of a kilobyte",
    file([entry("k".repeat(1024), 0, Buffer.alloc(1))], [], 0),
    "gguf-limits",
  ],
  ["an alignment of three", file([entry("general.alignment", 4, u32(3))], [], 0), "gguf-metadata"],
  ["an alignment of zero", file([entry("general.alignment", 4, u32(0))], [], 0), "gguf-metadata"],
  [
    "an alignment that is a text",
    file([entry("general.alignment", 8, text("32"))], [], 0),
    "gguf-metadata",
  ],
  ["a tensor of five dimensions", file([], [info({ sides: [1, 1, 1, 1, 1] })], 4), "gguf-tensor"],
  ["a tensor of a type that is none", file([], [info({ type: 4 })], 128), "gguf-tensor"],
  ["a tensor that is there twice", file([], [info(), info({ offset: 128 })], 256), "gguf-tensor"],
  [
    "a tensor whose sides overflow",
    file([], [info({ sides: [2 ** 40, 2 ** 40] })], 128),
    "gguf-tensor",
  ],
  [
    "a row that is no whole blocks",
    file([], [info({ sides: [100], type: 12 })], 144),
    "gguf-tensor",
  ],
  ["a tensor that lies elsewhere", file([], [info({ offset: 32 })], 160), "gguf-tensor"],
  ["tensors that overlap", file([], [info(), info({ name: "v" })], 128), "gguf-tensor"],
  ["a tensor beyond the file", file([], [info()], 100), "gguf-end"],
  ["bytes behind the tensors", file([], [info()], 200), "gguf-end"],
  ["a name of a hundred bytes", file([], [info({ name: "w".repeat(100) })], 128), "gguf-limits"],
];
