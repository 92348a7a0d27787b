/** One entry of a layer. `path` has no leading slash; a folder's has none at its end either. */
export interface TarEntry {
  readonly path: string;
  readonly type: "file" | "folder";
  /** Bytes of the content; 0 for a folder. */
  readonly size: number;
  /** Of a folder that is not root's, 0755. */
  readonly owner?: FolderOwner | undefined;
}

/** Whose a folder is, and its permission bits. */
export interface FolderOwner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export const blockSize = 512;

/** The largest size that ustar's eleven octal digits can say. */
const largestOctal = 8 * 2 ** 30 - 1;

const encoder = new TextEncoder();

/**
 * The header blocks of an entry: POSIX ustar (IEEE Std 1003.1, pax, "ustar Interchange Format"), preceded by a pax extended header
 * only for what ustar cannot say: a path that is too long or not ASCII, a size of 8 GiB or more. Owner 0 where nothing else is said, time 0, modes 0644 and 0755.
 */
export function tarHeader(entry: TarEntry): Uint8Array {
  const { path, split, records } = described(entry);
  const own = ustarHeader({
    ...(split ?? { name: shortened(path), prefix: "" }),
    size: entry.size > largestOctal ? 0 : entry.size,
    mode: entry.type === "folder" ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    ...entry.owner,
    type: entry.type === "folder" ? "5" : "0",
  });
  if (records === "") return own;
  const body = encoder.encode(records);
  const extended = ustarHeader({
    name: "PaxHeaders/entry",
    prefix: "",
    size: body.length,
    mode: 0o644,
    uid: 0,
    gid: 0,
    type: "x",
  });
  const whole = new Uint8Array(2 * blockSize + padded(body.length));
  whole.set(extended, 0);
  whole.set(body, blockSize);
  whole.set(own, blockSize + padded(body.length));
  return whole;
}

/** Bytes of the header blocks of an entry. */
export function tarHeaderSize(entry: TarEntry): number {
  const { records } = described(entry);
  return records === "" ? blockSize : 2 * blockSize + padded(Buffer.byteLength(records));
}

/** How an entry's path is written, and the pax records for what ustar cannot say. */
function described(entry: TarEntry) {
  const path = entry.type === "folder" ? `${entry.path}/` : entry.path;
  const split = splitPath(path);
  const records = [
    split === undefined ? paxRecord("path", path) : "",
    entry.size > largestOctal ? paxRecord("size", String(entry.size)) : "",
  ].join("");
  return { path, split, records };
}

/** Rounded up to whole blocks. */
export function padded(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}

interface UstarFields {
  readonly name: string;
  readonly prefix: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly type: "0" | "5" | "x";
}

function ustarHeader({ name, prefix, size, mode, uid, gid, type }: UstarFields): Uint8Array {
  const block = new Uint8Array(blockSize);
  const put = (at: number, text: string) => encoder.encodeInto(text, block.subarray(at));
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  put(0, name);
  put(100, octal(mode, 7));
  put(108, octal(uid, 7));
  put(116, octal(gid, 7));
  put(124, octal(size, 11));
  put(136, octal(0, 11));
  put(148, " ".repeat(8));
  put(156, type);
  put(257, "ustar\0" + "00");
  put(329, octal(0, 7));
  put(337, octal(0, 7));
  put(345, prefix);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)}\0 `);
  return block;
}

/** The path in ustar's two fields (100 bytes, and 155 for a prefix that ends before a slash); undefined where it does not fit. */
function splitPath(path: string): { name: string; prefix: string } | undefined {
  if (!/^[\x20-\x7e]+$/.test(path)) return undefined;
  if (path.length <= 100) return { name: path, prefix: "" };
  const slash = path.lastIndexOf("/", 155);
  const first = path.indexOf("/", path.length - 101);
  if (first === -1 || first > slash || first === path.length - 1) return undefined;
  return { name: path.slice(first + 1), prefix: path.slice(0, first) };
}

/** What a reader without pax would see: the end of the path in ASCII. */
function shortened(path: string): string {
  return path
    .replaceAll(/[^\x20-\x7e]/g, "_")
    .slice(-100)
    .replace(/^\/+/, "");
}

/** `LENGTH KEY=VALUE\n`, where the length in bytes counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}
