import type { Input, Reading } from "./input.ts";
import { protobuf, type Schema } from "./protobuf.ts";

/** sentencepiece_model.proto: the pieces, then how they were made. Nothing in it names a file that a tokenizer would read. */
const schema: Schema = {
  ModelProto: { 1: { message: "SentencePiece" }, 2: "bytes", 3: "bytes", 4: "bytes", 5: "bytes" },
  SentencePiece: { 1: "bytes", 2: "fixed32", 3: "varint" },
};

/** A tokenizer's model of SentencePiece. */
export function sentencepiece(input: Input): Reading<void> {
  return protobuf(input, { schema, root: "ModelProto", rule: "sentencepiece-structure" });
}

/** Whether a file begins with a piece: its text, then its score. */
export function isPiece(head: Buffer): boolean {
  const [outer = 0, size = 0, inner = 0, length = 0] = head;
  return outer === 0x0a && inner === 0x0a && length + 2 <= size && head[4 + length] === 0x15;
}
