import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { miniatureFiles } from "../../examples/miniature/models.ts";
import { onnx } from "../../examples/miniature/onnx.ts";
import { pytorchZip } from "../../examples/miniature/pytorch-zip.ts";
import { shardedSafetensors } from "../../examples/miniature/safetensors.ts";
import {
  type Dtype,
  elementSize,
  elements,
  randomTensor,
} from "../../examples/miniature/tensor.ts";

const files = new Map(miniatureFiles());
const named = (ending: string) => [...files].filter(([path]) => path.endsWith(ending));

interface Entry {
  readonly dtype: Dtype;
  readonly shape: number[];
  readonly data_offsets: [number, number];
}

function headerOf(data: Buffer): { entries: [string, Entry][]; dataLength: number } {
  const length = Number(data.readBigUInt64LE());
  const header: Record<string, Entry> = JSON.parse(data.subarray(8, 8 + length).toString());
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__");
  return { entries, dataLength: data.length - 8 - length };
}

describe("safetensors", () => {
  it.each(named(".safetensors"))("%s has no gap and every tensor has its shape", (_, data) => {
    const { entries, dataLength } = headerOf(data);
    let end = 0;
    for (const [, { dtype, shape, data_offsets }] of entries) {
      expect(data_offsets).toEqual([end, end + elements(shape) * elementSize[dtype]]);
      expect((data.length - dataLength + data_offsets[0]) % elementSize[dtype]).toBe(0);
      end = data_offsets[1];
    }
    expect(end).toBe(dataLength);
  });

  it("spreads tensors over shards whose index names each once", () => {
    const tensors = ["a", "b", "c", "d"].map((name) => randomTensor("s", "F32", name, [256]));
    const sharded = shardedSafetensors("transformer/model", tensors, 2);
    const index = JSON.parse(String(sharded.get("transformer/model.safetensors.index.json")));
    const [first, second] = [
      "model-00001-of-00002.safetensors",
      "model-00002-of-00002.safetensors",
    ];
    expect(index).toEqual({
      metadata: { total_size: 4096 },
      weight_map: { a: first, b: first, c: second, d: second },
    });
    expect(headerOf(sharded.get(`transformer/${second}`) ?? Buffer.alloc(0)).entries).toHaveLength(
      2,
    );
  });

  it("puts a weight of four bits beside the scales and the state that unpack it", () => {
    const tensors = named(".safetensors")
      .filter(([path]) => path.includes("/transformer/"))
      .flatMap(([, data]) => headerOf(data).entries);
    const names = new Set(tensors.map(([name]) => name));
    const packed = tensors.filter(([, { dtype, shape }]) => dtype === "U8" && shape[1] === 1);
    expect(packed.length).toBeGreaterThan(5);
    for (const [name] of packed)
      for (const part of ["absmax", "quant_map", "quant_state.bitsandbytes__nf4"])
        expect(names).toContain(`${name}.${part}`);
  });
});

describe("PyTorch zips", () => {
  const read = async (archives: readonly Buffer[]) => {
    const folder = await mkdtemp(join(tmpdir(), "pytorch-zip-"));
    try {
      const paths = archives.map((_, index) => join(folder, String(index)));
      await Promise.all(paths.map((path, index) => writeFile(path, archives[index] ?? "")));
      const script = join(import.meta.dirname, "read-pytorch.py");
      const { stdout } = await promisify(execFile)("python3", [script, ...paths], {
        maxBuffer: 2 ** 24,
      });
      return JSON.parse(stdout);
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  it("are aligned, stored and read by an unpickler that knows tensors and nothing else", async () => {
    const archives = [".pth", ".pt", ".bin"].flatMap(named).map(([, data]) => data);
    expect(archives).toHaveLength(8);
    expect(await read(archives)).toHaveLength(8);
  });

  it("keep names, groups, shapes and strides", async () => {
    const weight = randomTensor("s", "F16", "w", [2, 3, 5]);
    const scalar = randomTensor("s", "F32", "scale", []);
    const group = new Map([["scale", scalar]]);
    const saved = new Map<string, typeof weight | typeof group>([
      ["w", weight],
      ["group", group],
    ]);
    expect(await read([pytorchZip(saved)])).toEqual([
      {
        w: ["HalfStorage[30]", 0, [2, 3, 5], [15, 5, 1]],
        group: { scale: ["FloatStorage[1]", 0, [], []] },
      },
    ]);
  });
});

it("ONNX models are a protobuf of version, producer, graph and operator set", () => {
  const bytes = onnx({
    name: "g",
    input: ["x", [1]],
    output: ["y", [1]],
    nodes: [{ op: "Relu", inputs: ["x"], output: "y" }],
    weights: [],
  });
  // Decoded by hand from onnx.proto3: node{input x, output y, op Relu}, name g, the two values.
  const value = (letter: string) => `0a01${letter}120a0a08080112040a020801`;
  const graph = `0a0c0a017812017922 0452656c75 120167 5a0f${value("78")} 620f${value("79")}`;
  const wanted = `0808 1218${Buffer.from("director-image-miniature").toString("hex")} 3a33${graph} 42040a001011`;
  expect(bytes.toString("hex")).toBe(wanted.replaceAll(" ", ""));
});

it.each<[Dtype, number]>([
  ["F32", 2],
  ["F16", 0.25],
])("random %s numbers are finite, of both signs and below %d", (dtype, limit) => {
  const { data } = randomTensor("s", dtype, "t", [4096]);
  const values = Array.from({ length: 4096 }, (_, at) =>
    dtype === "F32" ? data.readFloatLE(4 * at) : half(data.readUInt16LE(2 * at)),
  );
  expect(values.every((value) => Math.abs(value) < limit && value !== 0)).toBe(true);
  const negative = values.filter((value) => value < 0).length;
  expect(Math.abs(negative - 2048)).toBeLessThan(256);
});

/** A normal half-precision number from its bits (IEEE 754 binary16). */
function half(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  return (bits & 0x8000 ? -1 : 1) * 2 ** (exponent - 15) * (1 + (bits & 0x3ff) / 1024);
}
