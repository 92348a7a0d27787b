import { onnx } from "../../../examples/miniature/onnx.ts";
import { randomTensor } from "../../../examples/miniature/tensor.ts";
import type { Sample } from "./sample.ts";

const plain = onnx({
  name: "g",
  input: ["x", [1, 2]],
  output: ["y", [1, 2]],
  nodes: [{ op: "MatMul", inputs: ["x", "w"], output: "y" }],
  weights: [randomTensor("o", "F32", "w", [2, 2])],
});

/** One field: a number, or bytes with their length. */
function field(number: number, value: number | Buffer | string): Buffer {
  if (typeof value === "number") return Buffer.concat([varint(8 * number), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(8 * number + 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const all = Buffer.concat.bind(Buffer);
const entry = (key: string, value: string) => field(13, all([field(1, key), field(2, value)]));
const tensor = (...places: Buffer[]) => all([field(1, 4), field(2, 1), field(8, "w"), ...places]);
const external = (...places: Buffer[]) => tensor(...places, field(14, 1));
const model = (...graph: Buffer[]) => all([field(1, 8), field(2, "t"), field(7, all(graph))]);
const initial = (bytes: Buffer) => model(field(5, bytes));
const at = (location: string) => initial(external(entry("location", location)));

/** A tensor in an attribute of a node in the graph of an attribute. */
const inner = (bytes: Buffer) =>
  model(field(1, field(5, field(6, field(1, field(5, field(5, bytes)))))));

function deep(levels: number): Buffer {
  let graph: Buffer = Buffer.alloc(0);
  for (let left = levels; left > 0; left -= 1) graph = field(1, field(5, field(6, graph)));
  return model(graph);
}

const hostile = external(entry("location", "../../etc/shadow"));

export const onnxSamples: readonly Sample[] = [
  ["a model of the miniature", plain, "passed"],
  ["external data beside the file", at("model.onnx_data"), "passed"],
  [
    "external data in a folder below",
    initial(
      external(entry("location", "data/w.bin"), entry("offset", "4096"), entry("length", "16")),
    ),
    "passed",
  ],
  ["graphs within graphs", deep(20), "passed"],

  ["external data above the folder", at("../w.bin"), "onnx-external-data"],
  ["external data at an absolute path", at("/etc/shadow"), "onnx-external-data"],
  ["external data at a path of Windows", at("C:\\w.bin"), "onnx-external-data"],
  ["external data through a backslash", at("data\\..\\..\\w.bin"), "onnx-external-data"],
  ["external data at a path that goes down and up", at("data/../../w.bin"), "onnx-external-data"],
  ["external data at no path", at(""), "onnx-external-data"],
  ["an address of memory", at("*/_ORT_MEM_ADDR_/*"), "onnx-external-data"],
  ["external data in a node's tensor", inner(hostile), "onnx-external-data"],
  [
    "external data in a function",
    all([plain, field(25, field(7, field(5, field(5, hostile))))]),
    "onnx-external-data",
  ],
  [
    "external data in what trains it",
    all([plain, field(20, field(1, field(5, hostile)))]),
    "onnx-external-data",
  ],
  ["external data in a sparse tensor", model(field(15, field(1, hostile))), "onnx-external-data"],
  [
    "external data in one of several tensors",
    model(field(1, field(5, field(10, hostile)))),
    "onnx-external-data",
  ],
  [
    "two places of one tensor",
    initial(external(entry("location", "a"), entry("location", "../a"))),
    "onnx-external-data",
  ],
  [
    "two values of one place",
    initial(external(field(13, all([field(1, "location"), field(2, "a"), field(2, "../a")])))),
    "onnx-external-data",
  ],
  [
    "an attribute of the loader",
    initial(external(entry("location", "a"), entry("basepath", "/etc"))),
    "onnx-external-data",
  ],
  [
    "an offset that is no number",
    initial(external(entry("location", "a"), entry("offset", "-1"))),
    "onnx-external-data",
  ],
  ["a place and no word of it", initial(tensor(entry("location", "a"))), "onnx-external-data"],
  ["no place", initial(external()), "onnx-external-data"],
  ["a path without an end", at("a".repeat(5000)), "onnx-structure"],

  [
    "a graph longer than the file",
    all([field(1, 8), Buffer.from([0x3a, 0xff, 0x7f])]),
    "truncated",
  ],
  [
    "a tensor longer than its graph",
    all([field(1, 8), field(7, Buffer.from([0x2a, 0x7f])), Buffer.alloc(200)]),
    "truncated",
  ],
  ["a graph that was cut", plain.subarray(0, -3), "truncated"],
  ["a field that ONNX has not", all([plain, field(99, "x")]), "onnx-structure"],
  ["a field of another kind", all([plain, field(7, 5)]), "onnx-structure"],
  ["a group", all([plain, Buffer.from([0x3b])]), "onnx-structure"],
  [
    "a number of eleven bytes",
    all([field(1, 8), Buffer.from([0x28]), Buffer.alloc(10, 0xff), Buffer.from([1])]),
    "onnx-structure",
  ],
  ["graphs without an end", deep(60), "onnx-structure"],
];
