import { createHash } from "node:crypto";

export type Dtype = "F32" | "F16" | "BF16" | "I64" | "U8";

/** Bytes of one element. */
export const elementSize: Readonly<Record<Dtype, number>> = {
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  U8: 1,
};

export interface Tensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** The elements, row by row, little-endian. */
  readonly data: Buffer;
}

/** A tensor of pseudo-random elements that depend on `seed` and its own name only. */
export function randomTensor(
  seed: string,
  dtype: Dtype,
  name: string,
  shape: readonly number[],
): Tensor {
  const outputLength = elements(shape) * elementSize[dtype];
  const data = createHash("shake256", { outputLength }).update(`${seed}/${name}`).digest();
  const [keep, set] = topByte[dtype];
  if (keep !== 0xff)
    for (let at = elementSize[dtype] - 1; at < data.length; at += elementSize[dtype])
      data[at] = ((data[at] ?? 0) & keep) | set;
  return { name, dtype, shape, data };
}

/** The number of elements of a shape; 1 for a scalar. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/**
 * What to keep and to set of each element's highest byte. Floats get an exponent between 2⁻⁷ and 1
 * (2⁻⁵ and 2⁻⁴ in half precision), so they are finite and of the size of weights; integers stay small.
 */
const topByte: Readonly<Record<Dtype, readonly [keep: number, set: number]>> = {
  F32: [0x83, 0x3c],
  BF16: [0x83, 0x3c],
  F16: [0x87, 0x28],
  I64: [0, 0],
  U8: [0xff, 0],
};
