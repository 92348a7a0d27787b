import { IntegrityError } from "../errors.ts";
import type { Files } from "../ports/files.ts";

type File = Awaited<ReturnType<Files["open"]>>;

/** bbolt's file format: little-endian, a page header of 16 bytes, two meta pages of which the newer sound one counts. */
const header = 16;
const metaLength = 64;
const magic = 0xed0cdaed;
const format = 2;
const pageSizes = [4096, 8192, 16384, 32768, 65536];
const isBranch = 1;
const isLeaf = 2;

/** Nobody has more pages of bucket names than this; a damaged file may lead round in a circle. */
const mostPages = 10_000;

interface Meta {
  readonly pageSize: number;
  readonly root: bigint;
  /** Pages that the file has at least. */
  readonly pages: bigint;
  readonly transaction: bigint;
}

/** Names of the top buckets of a bbolt database. An IntegrityError for a file that is none, is damaged there, or ends too early. */
export async function bucketNames(
  path: string,
  { open }: Pick<Files, "open">,
): Promise<readonly string[]> {
  const file = await open(path, "r");
  try {
    const meta = await newestMeta(file, path);
    const { size } = await file.stat();
    const wanted = Number(meta.pages) * meta.pageSize;
    if (size < wanted) throw new IntegrityError(`${path} ends after ${size} of ${wanted} bytes.`);
    return await keysBelow(file, path, meta);
  } catch (cause) {
    // An element that points out of its page.
    if (!(cause instanceof RangeError)) throw cause;
    throw new IntegrityError(`${path} is damaged.`, { cause });
  } finally {
    await file.close();
  }
}

async function newestMeta(file: File, path: string): Promise<Meta> {
  const first = await metaAt(file, 0);
  const offsets = first === undefined ? pageSizes : [first.pageSize];
  const others = await Promise.all(offsets.map((offset) => metaAt(file, offset)));
  const [newest] = [first, ...others]
    .filter((meta) => meta !== undefined)
    .sort((a, b) => (a.transaction > b.transaction ? -1 : 1));
  if (newest !== undefined) return newest;
  throw new IntegrityError(`${path} is not a vulnerability database (bbolt), or is damaged.`);
}

async function metaAt(file: File, offset: number): Promise<Meta | undefined> {
  const bytes = await bytesAt(file, offset + header, metaLength);
  if (bytes.length < metaLength) return undefined;
  if (bytes.readUInt32LE(0) !== magic || bytes.readUInt32LE(4) !== format) return undefined;
  if (bytes.readBigUInt64LE(56) !== checksum(bytes.subarray(0, 56))) return undefined;
  return {
    pageSize: bytes.readUInt32LE(8),
    root: bytes.readBigUInt64LE(16),
    pages: bytes.readBigUInt64LE(40),
    transaction: bytes.readBigUInt64LE(48),
  };
}

/** FNV-1a, 64 bits. */
function checksum(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

async function keysBelow(
  file: File,
  path: string,
  { pageSize, root, pages }: Meta,
): Promise<readonly string[]> {
  const names: string[] = [];
  const waiting = [root];
  for (let read = 0; waiting.length > 0; read += 1) {
    const page = waiting.pop() as bigint;
    if (read > mostPages || page >= pages) throw damaged(path, page);
    const head = await bytesAt(file, Number(page) * pageSize, header);
    const flags = head.length < header ? 0 : head.readUInt16LE(8);
    if (flags !== isBranch && flags !== isLeaf) throw damaged(path, page);
    const length = pageSize * (head.readUInt32LE(12) + 1);
    const bytes = await bytesAt(file, Number(page) * pageSize, length);
    for (let at = 0; at < head.readUInt16LE(10); at += 1) {
      const element = header + at * 16;
      if (flags === isBranch) waiting.push(bytes.readBigUInt64LE(element + 8));
      else {
        const start = element + bytes.readUInt32LE(element + 4);
        names.push(bytes.toString("utf8", start, start + bytes.readUInt32LE(element + 8)));
      }
    }
  }
  return names.sort();
}

async function bytesAt(file: File, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function damaged(path: string, page: bigint): IntegrityError {
  return new IntegrityError(`${path} is damaged: page ${page} is not what it should be.`);
}
