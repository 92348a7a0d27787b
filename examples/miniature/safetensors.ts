import { elementSize, type Tensor } from "./tensor.ts";

/** The bytes of a safetensors file: the header's length, the header, the tensors without gaps. */
export function safetensors(tensors: readonly Tensor[]): Buffer {
  // Wide elements first, so that every tensor is aligned to its element.
  const ordered = tensors.toSorted((a, b) => elementSize[b.dtype] - elementSize[a.dtype]);
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let offset = 0;
  for (const { name, dtype, shape, data } of ordered) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.length] };
    offset += data.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...ordered.map(({ data }) => data)]);
}

/**
 * Spreads tensors over `count` files of about the same size, named as transformers and diffusers
 * name them, with the index that says where each tensor is.
 *
 * @param stem path of the files without their ending, for example `transformer/model`
 */
export function shardedSafetensors(
  stem: string,
  tensors: readonly Tensor[],
  count: number,
): Map<string, Buffer> {
  const total = tensors.reduce((sum, { data }) => sum + data.length, 0);
  const shards: Tensor[][] = Array.from({ length: count }, () => []);
  const shardOf: Record<string, string> = {};
  let before = 0;
  for (const tensor of tensors) {
    const index = Math.floor((before / total) * count);
    shards[index]?.push(tensor);
    shardOf[tensor.name] = shardName(stem, index, count).slice(stem.lastIndexOf("/") + 1);
    before += tensor.data.length;
  }
  const index = { metadata: { total_size: total }, weight_map: shardOf };
  return new Map([
    ...shards.map((shard, at) => [shardName(stem, at, count), safetensors(shard)] as const),
    [`${stem}.safetensors.index.json`, Buffer.from(`${JSON.stringify(index, null, 2)}\n`)],
  ]);
}

function shardName(stem: string, index: number, count: number): string {
  const five = (value: number) => String(value).padStart(5, "0");
  return `${stem}-${five(index + 1)}-of-${five(count)}.safetensors`;
}
