import { type Dtype, elements, type Tensor } from "./tensor.ts";

/** What torch.save was given: a tensor, or tensors and groups of them by name. */
export type Saved = Tensor | StateDict;
export interface StateDict extends ReadonlyMap<string, Saved> {}

/**
 * The pickle (protocol 2) of a state dict or a tensor as torch.save writes it: tensors are persistent ids of
 * storages, whose bytes lie beside the pickle.
 *
 * @returns the pickle, and the storages in the order of their keys 0, 1, 2 …
 */
export function pickle(saved: Saved): { program: Buffer; storages: Buffer[] } {
  const storages: Buffer[] = [];
  const tensor = ({ dtype, shape, data }: Tensor): Buffer => {
    storages.push(data);
    const id = [
      text("storage"),
      global("torch", storageClass[dtype]),
      text(String(storages.length - 1)),
      text("cpu"),
      integer(elements(shape)),
    ];
    return call(global("torch._utils", "_rebuild_tensor_v2"), [
      Buffer.concat([tuple(id), opcode("Q")]),
      integer(0),
      tuple(shape.map(integer)),
      tuple(strides(shape).map(integer)),
      Buffer.of(0x89),
      orderedDict,
    ]);
  };
  const dict = (entries: StateDict): Buffer =>
    Buffer.concat([
      orderedDict,
      opcode("("),
      ...[...entries].flatMap(([key, value]) => [text(key), item(value)]),
      opcode("u"),
    ]);
  const item = (value: Saved) => (isTensor(value) ? tensor(value) : dict(value));
  return { program: Buffer.concat([Buffer.of(0x80, 2), item(saved), opcode(".")]), storages };
}

const storageClass: Readonly<Record<Dtype, string>> = {
  F32: "FloatStorage",
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
  I64: "LongStorage",
  U8: "ByteStorage",
};

function isTensor(value: Saved): value is Tensor {
  return "data" in value;
}

/** How many elements to step for the next index of each side, rows last: [2, 3] gives [3, 1]. */
function strides(shape: readonly number[]): number[] {
  return shape.map((_, side) => elements(shape.slice(side + 1)));
}

function opcode(letter: string): Buffer {
  return Buffer.from(letter, "latin1");
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([opcode("X"), length, bytes]);
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return Buffer.concat([opcode("J"), bytes]);
}

function tuple(items: readonly Buffer[]): Buffer {
  return Buffer.concat([opcode("("), ...items, opcode("t")]);
}

function global(module: string, name: string): Buffer {
  return opcode(`c${module}\n${name}\n`);
}

function call(callable: Buffer, args: readonly Buffer[]): Buffer {
  return Buffer.concat([callable, tuple(args), opcode("R")]);
}

const orderedDict = call(global("collections", "OrderedDict"), []);
