import { looksLikePickle } from "./pickle.ts";
import { isTorchName } from "./pytorch-zip.ts";
import { longestHeader } from "./safetensors.ts";
import { isPiece } from "./sentencepiece.ts";
import { isText } from "./text.ts";

/** What a file is by its first bytes, whatever its name says. */
export type ContentType =
  | "safetensors"
  | "pytorch-zip"
  | "pickle"
  | "onnx"
  | "gguf"
  | "sentencepiece"
  | "json"
  | "text"
  | "html"
  | "git-lfs-pointer"
  | "script"
  | "zip"
  | "empty"
  | "unknown";

/** How many first bytes `contentType` wants to see, where the file has as many. */
export const headSize = 4096;

export function contentType(head: Uint8Array, size: number): ContentType {
  if (size === 0) return "empty";
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, headSize));
  const type = binaryType(bytes, size) ?? textType(bytes);
  if (type !== undefined && type !== "text") return type;
  return looksLikePickle(bytes, size) ? "pickle" : (type ?? "unknown");
}

function binaryType(bytes: Buffer, size: number): ContentType | undefined {
  const magic = bytes.toString("latin1", 0, 4);
  if (magic === "GGUF") return "gguf";
  if (magic === "PK\u0003\u0004") return isTorchName(firstName(bytes)) ? "pytorch-zip" : "zip";
  if (isSafetensors(bytes, size)) return "safetensors";
  const [first = 0, second = 0, third = 0] = bytes;
  if (first === 0x80 && second <= 5) return "pickle";
  // An ONNX ModelProto begins with its field 1, ir_version, and goes on with a field of one of the next numbers.
  if (first === 0x08 && second >= 1 && second <= 32 && third >> 3 >= 2 && third >> 3 <= 20)
    return "onnx";
  return isPiece(bytes) ? "sentencepiece" : undefined;
}

/** A length that is possible, or that is no text either, and the header's first character. */
function isSafetensors(bytes: Buffer, size: number): boolean {
  if (bytes.length < 9 || bytes[8] !== 0x7b) return false;
  const length = bytes.readBigUInt64LE(0);
  return (
    (length <= BigInt(longestHeader) && Number(length) + 8 <= size) || !isText(bytes.subarray(0, 8))
  );
}

/** The name in a zip's first header. */
function firstName(bytes: Buffer): string {
  return bytes.length < 30 ? "" : bytes.toString("latin1", 30, 30 + bytes.readUInt16LE(26));
}

const page = /^(?:<\?xml[^>]*>\s*|<!--[\s\S]*?-->\s*)*<(?:!doctype\s+html|html|head|body|error)\b/i;
const json = /^(?:\{\s*["}]|\[\s*(?:["{[\]\d-]|true|false|null))/;
const pointer = /^version https:\/\/(?:git-lfs\.github|hawser\.github)\.com\/spec\//;

function textType(bytes: Buffer): ContentType | undefined {
  if (!isText(bytes)) return undefined;
  const text = bytes.toString().replace(/^\uFEFF/, "");
  const start = text.trimStart();
  if (page.test(start)) return "html";
  if (pointer.test(start)) return "git-lfs-pointer";
  if (text.startsWith("#!")) return "script";
  return json.test(start) ? "json" : "text";
}
