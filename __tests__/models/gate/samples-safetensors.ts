import { safetensors as wellFormed } from "../../../examples/miniature/safetensors.ts";
import { randomTensor } from "../../../examples/miniature/tensor.ts";
import type { Sample } from "./sample.ts";
import { u64 } from "./zips.ts";

/** A header as it is written, and bytes behind it. */
export function file(header: string, data = 0, length = Buffer.byteLength(header)): Buffer {
  return Buffer.concat([u64(length), Buffer.from(header), Buffer.alloc(data)]);
}

const tensor = (dtype: string, shape: readonly number[], offsets: readonly number[]) =>
  JSON.stringify({ dtype, shape, data_offsets: offsets });

const f32 = tensor("F32", [2], [0, 8]);

export const safetensorsSamples: readonly Sample[] = [
  ["two tensors", file(`{"a":${f32},"b":${tensor("I64", [1], [8, 16])}}`, 16), "passed"],
  ["tensors out of order", file(`{"b":${tensor("I64", [1], [8, 16])},"a":${f32}}`, 16), "passed"],
  ["white space in the header", file(`{ "a" :\n ${f32.replaceAll(",", " ,\t")} }  `, 8), "passed"],
  ["metadata", file(`{"__metadata__":{"format":"pt","x":"\\u00e4\\n"},"a":${f32}}`, 8), "passed"],
  ["no tensor", file("{}"), "passed"],
  ["a tensor without elements", file(`{"a":${tensor("F32", [0, 4], [0, 0])}}`), "passed"],
  ["a scalar", file(`{"a":${tensor("F64", [], [0, 8])}}`, 8), "passed"],
  ["half bytes that make a whole", file(`{"a":${tensor("F4", [3, 2], [0, 3])}}`, 3), "passed"],
  ["every type", everyType(), "passed"],
  ["a sharded model's file", wellFormed([randomTensor("s", "F16", "w", [3, 5])]), "passed"],

  ["a header longer than the format allows", file("{}", 10, 100_000_001), "safetensors-length"],
  ["a header longer than the file", file("{}", 10, 13), "safetensors-length"],
  [
    "a length above 2⁶³",
    Buffer.concat([Buffer.alloc(8, 0xff), Buffer.from("{}")]),
    "safetensors-length",
  ],
  ["a header that ends early", file(`{"a":${f32}`, 8), "truncated"],
  ["a header that is a list", file(`{[${f32}]}`, 8), "safetensors-json"],
  ["a comma too many", file(`{"a":${f32},}`, 8), "safetensors-json"],
  ["a second object behind the header", file(`{"a":${f32}}{}`, 8), "safetensors-json"],
  ["a line feed behind the header", file(`{"a":${f32}}\n`, 8), "safetensors-json"],
  ["a name with a raw line feed", file(`{"a\nb":${f32}}`, 8), "safetensors-json"],
  ["a name that is no UTF-8", badUtf8(), "safetensors-json"],
  ["half a surrogate in a name", file(`{"\\ud800":${f32}}`, 8), "safetensors-json"],
  ["a negative offset", file(`{"a":${tensor("F32", [2], [-8, 0])}}`, 8), "safetensors-json"],
  [
    "an offset with a fraction",
    file(`{"a":${tensor("F32", [2], [0, 8.5])}}`, 9),
    "safetensors-json",
  ],
  ["a shape with an exponent", file(`{"a":${f32.replace("[2]", "[2e0]")}}`, 8), "safetensors-json"],
  [
    "a shape with leading zeros",
    file(`{"a":${f32.replace("[2]", "[02]")}}`, 8),
    "safetensors-json",
  ],
  ["a shape that is null", file(`{"a":${f32.replace("[2]", "null")}}`, 8), "safetensors-json"],

  [
    "a name that is there twice",
    file(`{"a":${f32},"a":${tensor("F32", [2], [8, 16])}}`, 16),
    "safetensors-duplicate",
  ],
  [
    "a name that is there twice, once escaped",
    file(`{"a":${f32},"\\u0061":${tensor("F32", [2], [8, 16])}}`, 16),
    "safetensors-duplicate",
  ],
  [
    "metadata twice",
    file(`{"__metadata__":{},"a":${f32},"__metadata__":{}}`, 8),
    "safetensors-duplicate",
  ],
  [
    "a key of the metadata twice",
    file(`{"__metadata__":{"k":"1","k":"2"}}`),
    "safetensors-duplicate",
  ],
  [
    "a dtype that is there twice",
    file(`{"a":${f32.replace("{", '{"dtype":"I8",')}}`, 8),
    "safetensors-duplicate",
  ],

  ["metadata that is no text", file(`{"__metadata__":{"k":1}}`), "safetensors-json"],
  [
    "a tensor without shape",
    file(`{"a":{"dtype":"F32","data_offsets":[0,8]}}`, 8),
    "safetensors-tensor",
  ],
  ["three offsets", file(`{"a":${tensor("F32", [2], [0, 8, 16])}}`, 8), "safetensors-tensor"],
  ["a further field", file(`{"a":${f32.replace("{", '{"x":"y",')}}`, 8), "safetensors-tensor"],
  ["an empty tensor entry", file('{"w":{}}', 8), "safetensors-tensor"],
  ["an unknown dtype", file(`{"a":${tensor("F31", [2], [0, 8])}}`, 8), "safetensors-dtype"],
  [
    "a dtype that objects have",
    file(`{"a":${tensor("constructor", [2], [0, 8])}}`, 8),
    "safetensors-dtype",
  ],

  [
    "a gap before the first tensor",
    file(`{"a":${tensor("F32", [2], [4, 12])}}`, 12),
    "safetensors-offsets",
  ],
  [
    "a gap between tensors",
    file(`{"a":${f32},"b":${tensor("F32", [2], [12, 20])}}`, 20),
    "safetensors-offsets",
  ],
  [
    "tensors that overlap",
    file(`{"a":${f32},"b":${tensor("F32", [2], [4, 12])}}`, 12),
    "safetensors-offsets",
  ],
  ["two names for the same bytes", file(`{"a":${f32},"b":${f32}}`, 8), "safetensors-offsets"],
  [
    "offsets the wrong way round",
    file(`{"a":${tensor("F32", [2], [8, 0])}}`, 8),
    "safetensors-offsets",
  ],
  [
    "a shape larger than its bytes",
    file(`{"a":${tensor("F32", [3], [0, 8])}}`, 8),
    "safetensors-size",
  ],
  [
    "a shape whose product overflows",
    file(`{"a":${tensor("F32", [2 ** 32, 2 ** 32, 2], [0, 8])}}`, 8),
    "safetensors-size",
  ],
  ["half a byte at the end", file(`{"a":${tensor("F4", [3], [0, 2])}}`, 2), "safetensors-size"],
  ["bytes behind the last tensor", file(`{"a":${f32}}`, 9), "safetensors-end"],
  ["fewer bytes than the last tensor has", file(`{"a":${f32}}`, 7), "safetensors-end"],
  ["bytes and no tensor", file("{}", 1), "safetensors-end"],
  [
    "a list of a thousand sides",
    file(`{"a":${tensor("U8", Array(1000).fill(1), [0, 1])}}`, 1),
    "safetensors-limits",
  ],
];

function everyType(): Buffer {
  const bits: Readonly<Record<string, number>> = {
    ...{ BOOL: 8, U8: 8, I8: 8, F8_E4M3: 8, F8_E5M2: 8, F8_E8M0: 8, F6_E2M3: 6, F6_E3M2: 6, F4: 4 },
    ...{ U16: 16, I16: 16, F16: 16, BF16: 16, U32: 32, I32: 32, F32: 32 },
    ...{ U64: 64, I64: 64, F64: 64, C64: 64 },
  };
  let at = 0;
  const tensors = Object.entries(bits).map(([dtype, size]) => {
    const begin = at;
    at += size / 2;
    return [dtype, { dtype, shape: [2, 2], data_offsets: [begin, at] }] as const;
  });
  return file(JSON.stringify(Object.fromEntries(tensors)), at);
}

function badUtf8(): Buffer {
  const bytes = file(`{"ab":${f32}}`, 8);
  bytes[10] = 0xff;
  return bytes;
}
