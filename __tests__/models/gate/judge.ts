import { type FileVerdict, openGate } from "../../../src/models/gate/gate.ts";

/** How a file may come: byte by byte, in uneven pieces, in one. */
const pieces = [1, 13, 4096, 65_536, Number.POSITIVE_INFINITY];

/** The verdict on a file, and how many bytes had been given when it was known. */
export function judge(
  bytes: Uint8Array,
  { piece = 65_536, allow }: { piece?: number; allow?: string } = {},
): FileVerdict & { readonly after: number } {
  const gate = openGate({ file: "a/file", size: bytes.length, allow });
  for (let at = 0; at < bytes.length; at += piece) {
    // A copy that is wiped afterwards: the gate keeps nothing of a piece.
    const part = Buffer.from(bytes.subarray(at, at + piece));
    const verdict = gate.feed(part);
    part.fill(0xaa);
    if (verdict !== undefined) return { ...verdict, after: at + part.length };
  }
  return { ...gate.end(), after: bytes.length };
}

/** The same, and that it does not depend on how the bytes come. Large files are not given byte by byte. */
export function judgeAnyhow(bytes: Uint8Array): FileVerdict {
  const [first, ...more] = pieces
    .filter((piece) => bytes.length / piece < 20_000)
    .map((piece) => {
      const { after: _, ...verdict } = judge(bytes, { piece });
      return verdict;
    });
  if (first === undefined) throw new Error("no pieces");
  for (const verdict of more)
    if (JSON.stringify(verdict) !== JSON.stringify(first))
      throw new Error(
        `In one size of pieces ${JSON.stringify(first)}, in another ${JSON.stringify(verdict)}.`,
      );
  return first;
}
