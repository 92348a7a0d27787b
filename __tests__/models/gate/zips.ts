import { crc32 } from "node:zlib";

/** What the records of an archive say; edits of a test make them say something else. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Buffer;
  /** Changes the header before the bytes, its name and extra field included. */
  readonly local?: (header: Buffer) => Buffer;
  /** Changes the record after the bytes. */
  readonly descriptor?: (record: Buffer) => Buffer;
  /** Changes the entry in the directory. */
  readonly central?: (entry: Buffer) => Buffer;
  /** Whether the directory has it; yes. */
  readonly listed?: boolean;
}

export interface ZipForm {
  /** Sizes and checksum follow the bytes, as torch writes them. */
  readonly follow?: boolean;
  /** The directory's end in 64 bits as well, as torch writes it. */
  readonly wide?: boolean;
  readonly end?: (record: Buffer) => Buffer;
  readonly wideEnd?: (record: Buffer) => Buffer;
  /** Bytes between the last entry and the directory. */
  readonly between?: Buffer;
  readonly trailing?: Buffer;
}

/** A zip archive without compression, in the form of `torch.save` where nothing else is asked for. */
export function zip(entries: readonly ZipEntry[], form: ZipForm = {}): Buffer {
  const { follow = true, wide = true } = form;
  const body: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const { name, data } = entry;
    const flags = follow ? 0x0808 : 0x0800;
    const sums = [crc32(data), data.length, data.length];
    const fill = (64 - ((offset + 34 + name.length) % 64)) % 64;
    const extra = Buffer.concat([Buffer.from("FB"), u16(fill), Buffer.alloc(fill, "Z")]);
    const local = edited(
      Buffer.concat([
        Buffer.from("PK\x03\x04"),
        u16(0, flags, 0, 0, 0),
        u32(...(follow ? [0, 0, 0] : sums)),
        u16(name.length, extra.length),
        Buffer.from(name),
        extra,
      ]),
      entry.local,
    );
    const after = follow
      ? edited(Buffer.concat([Buffer.from("PK\x07\x08"), u32(...sums)]), entry.descriptor)
      : Buffer.alloc(0);
    const central = Buffer.concat([
      Buffer.from("PK\x01\x02"),
      u16(0, 0, flags, 0, 0, 0),
      u32(...sums),
      u16(name.length, 0, 0, 0, 0),
      u32(0, offset),
      Buffer.from(name),
    ]);
    if (entry.listed !== false) directory.push(edited(central, entry.central));
    body.push(local, data, after);
    offset += local.length + data.length + after.length;
  }
  const { between = Buffer.alloc(0), trailing = Buffer.alloc(0) } = form;
  const index = Buffer.concat(directory);
  const start = offset + between.length;
  const sums = { entries: directory.length, size: index.length, start };
  const parts = [...body, between, index];
  if (wide) parts.push(edited(wideEnd(sums), form.wideEnd));
  return Buffer.concat([...parts, edited(end(sums), form.end), trailing]);
}

interface Sums {
  readonly entries: number;
  readonly size: number;
  readonly start: number;
}

function wideEnd({ entries, size, start }: Sums): Buffer {
  return Buffer.concat([
    Buffer.from("PK\x06\x06"),
    u64(44),
    u16(45, 45),
    u32(0, 0),
    u64(entries, entries, size, start),
    Buffer.from("PK\x06\x07"),
    u32(0),
    u64(start + size),
    u32(1),
  ]);
}

function end({ entries, size, start }: Sums): Buffer {
  return Buffer.concat([
    Buffer.from("PK\x05\x06"),
    u16(0, 0, entries, entries),
    u32(size, start),
    u16(0),
  ]);
}

function edited(bytes: Buffer, edit: ((bytes: Buffer) => Buffer) | undefined): Buffer {
  return edit === undefined ? bytes : edit(bytes);
}

/** An edit that writes a number over what is there. */
export function says(at: number, value: number, size: 2 | 4 = 4): (bytes: Buffer) => Buffer {
  return (bytes) => {
    bytes.writeUIntLE(value, at, size);
    return bytes;
  };
}

export function u16(...values: number[]): Buffer {
  return joined(values, 2, (bytes, value, at) => bytes.writeUInt16LE(value, at));
}

export function u32(...values: number[]): Buffer {
  return joined(values, 4, (bytes, value, at) => bytes.writeUInt32LE(value, at));
}

export function u64(...values: number[]): Buffer {
  return joined(values, 8, (bytes, value, at) => bytes.writeBigUInt64LE(BigInt(value), at));
}

function joined(
  values: readonly number[],
  size: number,
  write: (bytes: Buffer, value: number, at: number) => void,
): Buffer {
  const bytes = Buffer.alloc(size * values.length);
  for (const [index, value] of values.entries()) write(bytes, value, size * index);
  return bytes;
}
