/** Numbers from 0 to below `limit`, the same in every run. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Files made of others by a few changes: a byte, bytes taken away, one of these pieces or a part of another file put in. */
export function* mutants(
  files: readonly Buffer[],
  pieces: readonly Buffer[],
  count: number,
): Generator<Buffer> {
  const next = numbers(count);
  const any = (some: readonly Buffer[]) => some[next(some.length)] ?? Buffer.alloc(0);
  for (let left = count; left > 0; left -= 1) {
    let bytes = Buffer.from(any(files));
    for (let changes = 1 + next(4); changes > 0; changes -= 1) {
      const at = next(bytes.length + 1);
      const other = any(files);
      const from = next(other.length);
      const added = [Buffer.of(next(256)), any(pieces), other.subarray(from, from + next(60))];
      const kind = next(4);
      const taken = kind === 0 || kind === 3 ? 1 + next(4) : 0;
      const put = kind === 3 ? Buffer.alloc(0) : (added[kind] ?? Buffer.alloc(0));
      bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + taken)]);
    }
    yield bytes;
  }
}
