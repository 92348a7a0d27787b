/** What a file is by its first bytes, whatever its name says. */
export type ContentType =
  | "safetensors"
  | "pytorch-zip"
  | "pickle"
  | "onnx"
  | "gguf"
  | "json"
  | "text"
  | "html"
  | "git-lfs-pointer"
  | "empty"
  | "unknown";

/** How many first bytes `contentType` wants to see, where the file has as many. */
export const headSize = 4096;

/** Longest header that a safetensors file may have, in bytes. */
const longestSafetensorsHeader = 100_000_000;

export function contentType(head: Uint8Array, size: number): ContentType {
  if (size === 0) return "empty";
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, headSize));
  return binaryType(bytes, size) ?? textType(bytes) ?? "unknown";
}

function binaryType(bytes: Buffer, size: number): ContentType | undefined {
  const magic = bytes.toString("latin1", 0, 4);
  if (magic === "GGUF") return "gguf";
  if (magic === "PK\u0003\u0004")
    return bytes.includes("/data.pkl") || bytes.includes("/version") ? "pytorch-zip" : undefined;
  if (bytes.length > 8 && bytes[8] === 0x7b) {
    const header = bytes.readBigUInt64LE(0);
    if (header <= BigInt(longestSafetensorsHeader) && Number(header) + 8 <= size)
      return "safetensors";
  }
  const [first = 0, second = 0, third = 0] = bytes;
  if (first === 0x80 && second >= 2 && second <= 5) return "pickle";
  // An ONNX ModelProto begins with its field 1, ir_version, and goes on with a field of one of the next numbers.
  if (first === 0x08 && second >= 1 && second <= 32 && third >> 3 >= 2 && third >> 3 <= 20)
    return "onnx";
  return undefined;
}

function textType(bytes: Buffer): ContentType | undefined {
  const text = utf8(bytes);
  if (text === undefined) return undefined;
  const start = text.replace(/^\uFEFF/, "").trimStart();
  if (/^<(?:!doctype\s+html|html)\b/i.test(start)) return "html";
  if (start.startsWith("version https://git-lfs.github.com/spec/")) return "git-lfs-pointer";
  return /^[{[]/.test(start) ? "json" : "text";
}

/** The bytes as text, without a character that was cut at their end; undefined if they are none. */
function utf8(bytes: Buffer): string | undefined {
  for (const cut of [0, 1, 2, 3]) {
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(
        bytes.subarray(0, Math.max(0, bytes.length - cut)),
      );
      return /[^\P{Cc}\t\n\v\f\r]/u.test(text) ? undefined : text;
    } catch {
      // Perhaps the last character is not whole: try with fewer bytes.
    }
  }
  return undefined;
}
