import { crc32 } from "node:zlib";
import { pickle, type Saved } from "./pickle.ts";

/**
 * The bytes of a file that torch.save writes and `torch.load(weights_only=True)` reads: a zip
 * archive without compression, each entry's data aligned to 64 bytes.
 */
export function pytorchZip(saved: Saved): Buffer {
  const { program, storages } = pickle(saved);
  return zip([
    ["archive/data.pkl", program],
    ["archive/byteorder", Buffer.from("little")],
    ...storages.map((data, key) => [`archive/data/${key}`, data] as const),
    ["archive/version", Buffer.from("3\n")],
  ]);
}

function zip(entries: readonly (readonly [name: string, data: Buffer])[]): Buffer {
  const body: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of entries) {
    const padding = alignment(offset + localHeaderSize + name.length);
    const fields = commonFields(data);
    const local = Buffer.concat([
      Buffer.from("PK\x03\x04"),
      fields,
      uint16(name.length, padding.length),
      Buffer.from(name),
      padding,
    ]);
    directory.push(
      Buffer.from("PK\x01\x02"),
      uint16(zipVersion),
      fields,
      uint16(name.length, 0, 0, 0, 0),
      uint32(0, offset),
      Buffer.from(name),
    );
    body.push(local, data);
    offset += local.length + data.length;
  }
  const index = Buffer.concat(directory);
  const end = [
    Buffer.from("PK\x05\x06"),
    uint16(0, 0, entries.length, entries.length),
    uint32(index.length, offset),
    uint16(0),
  ];
  return Buffer.concat([...body, index, ...end]);
}

const zipVersion = 20;
const localHeaderSize = 30;
/** 1980-01-01, the earliest day that a zip archive can name. */
const earliestDay = 0x21;

/** What the local header and the directory say alike: stored, no flags, no time, CRC and sizes. */
function commonFields(data: Buffer): Buffer {
  return Buffer.concat([
    uint16(zipVersion, 0, 0, 0, earliestDay),
    uint32(crc32(data), data.length, data.length),
  ]);
}

/** An extra field ("FB", as PyTorch writes it) after which the next byte is at a multiple of 64. */
function alignment(end: number): Buffer {
  const fill = (64 - ((end + 4) % 64)) % 64;
  return Buffer.concat([Buffer.from("FB"), uint16(fill), Buffer.alloc(fill, "Z")]);
}

function uint16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt16LE(value, 2 * index);
  return bytes;
}

function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
}
