import type { Tensor } from "./tensor.ts";

interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
}

export interface OnnxGraph {
  readonly name: string;
  /** Shapes by name; all values are float. */
  readonly input: readonly [name: string, shape: readonly number[]];
  readonly output: readonly [name: string, shape: readonly number[]];
  readonly nodes: readonly OnnxNode[];
  /** Tensors of type F32, inside the file. */
  readonly weights: readonly Tensor[];
}

/** The bytes of an ONNX model (a protobuf ModelProto, IR version 8, operator set 17). */
export function onnx(graph: OnnxGraph): Buffer {
  const graphProto = message(
    ...graph.nodes.map(({ op, inputs, output }) =>
      field(1, message(...inputs.map((input) => field(1, input)), field(2, output), field(4, op))),
    ),
    field(2, graph.name),
    ...graph.weights.map((weight) => field(5, tensorProto(weight))),
    field(11, valueInfo(...graph.input)),
    field(12, valueInfo(...graph.output)),
  );
  return message(
    field(1, 8),
    field(2, "director-image-miniature"),
    field(7, graphProto),
    field(8, message(field(1, ""), field(2, 17))),
  );
}

const float = 1;

function tensorProto({ name, shape, data }: Tensor): Buffer {
  return message(
    ...shape.map((side) => field(1, side)),
    field(2, float),
    field(8, name),
    field(9, data),
  );
}

function valueInfo(name: string, shape: readonly number[]): Buffer {
  const dimensions = message(...shape.map((side) => field(1, message(field(1, side)))));
  const tensorType = message(field(1, float), field(2, dimensions));
  return message(field(1, name), field(2, message(field(1, tensorType))));
}

function message(...fields: Buffer[]): Buffer {
  return Buffer.concat(fields);
}

/** One protobuf field: a varint for a number, length-delimited for text, bytes and messages. */
function field(number: number, value: number | string | Buffer): Buffer {
  if (typeof value === "number") return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
