import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "@jest/globals";
import { openGate } from "../../../src/models/gate/gate.ts";
import { judge } from "./judge.ts";
import { latin } from "./sample.ts";
import { file } from "./samples-safetensors.ts";
import { u16, u32, u64 } from "./zips.ts";

const zeros = Buffer.alloc(2 ** 20);

/** A file of parts: bytes, or so many zeros; the zeros are never all in memory. */
function* stream(parts: readonly (Buffer | number)[]): Generator<Uint8Array> {
  for (const part of parts) {
    if (typeof part !== "number") yield part;
    else
      for (let left = part; left > 0; left -= zeros.length)
        yield zeros.subarray(0, Math.min(left, zeros.length));
  }
}

function judgeStream(parts: readonly (Buffer | number)[]) {
  const size = parts.reduce<number>(
    (sum, part) => sum + (typeof part === "number" ? part : part.length),
    0,
  );
  const gate = openGate({ file: "a/file", size });
  for (const piece of stream(parts)) {
    const verdict = gate.feed(piece);
    if (verdict !== undefined) return { ...verdict, size };
  }
  return { ...gate.end(), size };
}

const GB = 2 ** 30;
const header = (bytes: number) =>
  file(JSON.stringify({ w: { dtype: "F16", shape: [bytes / 2], data_offsets: [0, bytes] } }));

/** A number of 32 bits, and of 64 where it is larger than these can say. */
const narrow = (value: number) => Math.min(value, 0xffffffff);
const isWide = (value: number) => value >= 0xffffffff;

/** An entry as torch writes it at an offset, its sizes behind its bytes; and its entry of the directory. */
function entry(name: string, size: number, offset: number) {
  const sizes = isWide(size) ? [size, size] : [];
  const extra = (values: readonly number[]) =>
    values.length === 0
      ? Buffer.alloc(0)
      : Buffer.concat([u16(1, 8 * values.length), u64(...values)]);
  const wide = extra([...sizes, ...(isWide(offset) ? [offset] : [])]);
  return {
    local: Buffer.concat([
      ...[Buffer.from("PK\x03\x04"), u16(0, 0x0808, 0, 0, 0), u32(0, 0, 0)],
      ...[u16(name.length, extra(sizes).length), Buffer.from(name), extra(sizes)],
    ]),
    after: Buffer.concat([
      ...[Buffer.from("PK\x07\x08"), u32(7)],
      isWide(size) || isWide(offset) ? u64(size, size) : u32(size, size),
    ]),
    central: Buffer.concat([
      ...[
        Buffer.from("PK\x01\x02"),
        u16(0, 0, 0x0808, 0, 0, 0),
        u32(7, narrow(size), narrow(size)),
      ],
      ...[u16(name.length, wide.length, 0, 0, 0), u32(0, narrow(offset)), Buffer.from(name), wide],
    ]),
  };
}

/** A file of torch.save with storages of so many bytes. */
function torch(...sizes: readonly number[]): readonly (Buffer | number)[] {
  const ids = sizes.flatMap((size, key) => [
    "(X\x07\0\0\0storagectorch.storage\nUntypedStorage\n",
    `X\x01\0\0\0${key}X\x03\0\0\0cpu\x8a\x06${u64(size).toString("latin1", 0, 6)}tQ`,
  ]);
  const entries: readonly (readonly [string, Buffer | number])[] = [
    ["w/data.pkl", latin("\x80\x02](", ...ids, "e.")],
    ...sizes.map((size, key) => [`w/data/${key}`, size] as const),
    ["w/version", Buffer.from("3\n")],
  ];
  const parts: (Buffer | number)[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of entries) {
    const size = typeof content === "number" ? content : content.length;
    const { local, after, central } = entry(name, size, offset);
    parts.push(local, content, after);
    directory.push(central);
    offset += local.length + size + after.length;
  }
  const index = Buffer.concat(directory);
  const [count, at] = [entries.length, offset + index.length];
  return [
    ...[...parts, index, Buffer.from("PK\x06\x06"), u64(44), u16(45, 45), u32(0, 0)],
    ...[
      u64(count, count, index.length, offset),
      Buffer.from("PK\x06\x07"),
      u32(0),
      u64(at),
      u32(1),
    ],
    ...[
      Buffer.from("PK\x05\x06"),
      u16(0, 0, count, count),
      u32(index.length, narrow(offset)),
      u16(0),
    ],
  ];
}

describe("a file that streams", () => {
  it.each([
    ["safetensors of 6 GiB", () => [header(6 * GB), 6 * GB], "safetensors"],
    ["torch.save's of 5 GiB in one storage", () => torch(5 * GB, 100), "pytorch-zip"],
    ["torch.save's of 3 GiB in each storage", () => torch(3 * GB, 3 * GB), "pytorch-zip"],
  ])("%s passes, in little memory", (_, parts, type) => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    collect();
    const before = process.memoryUsage();
    const verdict = judgeStream(parts());
    collect();
    const after = process.memoryUsage();
    expect(verdict).toMatchObject({ type, verdict: "passed" });
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(4e6);
    expect(after.rss - before.rss).toBeLessThan(64e6);
  });

  it("is refused before its data where its first bytes say enough", () => {
    const data = Buffer.alloc(1_000_000);
    const bad = (text: string) => Buffer.concat([file(text), data]);
    const onnx = Buffer.from("080812017437ff", "hex");
    const samples: readonly Buffer[] = [
      bad('{"a":{"dtype":"F31"}}'),
      Buffer.concat([latin("\x80\x02cos\nsystem\n"), data]),
      Buffer.concat([Buffer.from("<html>"), data.fill(0x20)]),
      Buffer.concat([latin("GGUF\x03\0\0\0"), u64(2 ** 60, 1), data]),
      Buffer.concat([onnx, data]),
    ];
    const seen = samples.map((bytes) => judge(bytes, { piece: 1024 }));
    expect(seen.map(({ verdict, after }) => [verdict, after])).toEqual(
      Array(samples.length).fill(["failed", 4096]),
    );
  });

  it("whose header would need much memory is refused", () => {
    const names = Array.from(
      { length: 140_000 },
      (_, at) => `"${at}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`,
    );
    expect(judge(file(`{${names.slice(0, 100_000).join(",")}}`))).toMatchObject({
      verdict: "passed",
    });
    expect(judge(file(`{${names.join(",")}}`))).toMatchObject({ rule: "safetensors-limits" });
    const long = `{"__metadata__":{"a":"${"x".repeat(9 * 2 ** 20)}"}}`;
    expect(judge(file(long))).toMatchObject({ rule: "safetensors-limits" });
    const many = Array.from({ length: 40 }, (_, at) => `"${String(at).padStart(500_000, "k")}":""`);
    expect(judge(file(`{"__metadata__":{${many.join(",")}}}`))).toMatchObject({
      rule: "safetensors-limits",
    });
  });
});
