/** Elements and bytes of a block, by ggml's number of the type (ggml.h). */
export const tensorTypes: ReadonlyMap<number, readonly [elements: number, bytes: number]> = new Map(
  Object.entries({
    0: [1, 4],
    1: [1, 2],
    2: [32, 18],
    3: [32, 20],
    6: [32, 22],
    7: [32, 24],
    8: [32, 34],
    9: [32, 36],
    10: [256, 84],
    11: [256, 110],
    12: [256, 144],
    13: [256, 176],
    14: [256, 210],
    15: [256, 292],
    16: [256, 66],
    17: [256, 74],
    18: [256, 98],
    19: [256, 50],
    20: [32, 18],
    21: [256, 110],
    22: [256, 82],
    23: [256, 136],
    24: [1, 1],
    25: [1, 2],
    26: [1, 4],
    27: [1, 8],
    28: [1, 8],
    29: [256, 56],
    30: [1, 2],
    34: [256, 54],
    35: [256, 66],
    39: [32, 17],
  } as const).map(([number, block]) => [Number(number), block]),
);

/** Bytes of a metadata value, by the number of its type: integers, floats, bool (ggml, docs/gguf.md). */
export const valueSizes: ReadonlyMap<number, number> = new Map([
  ...[0, 1, 7].map((type) => [type, 1] as const),
  ...[2, 3].map((type) => [type, 2] as const),
  ...[4, 5, 6].map((type) => [type, 4] as const),
  ...[10, 11, 12].map((type) => [type, 8] as const),
]);

export const stringType = 8;
export const arrayType = 9;
