import { randomBytes } from "node:crypto";
import type { Desk } from "./program.ts";

/** A spec of two models from `file:` sources, and the files themselves: one large, two small. */
export async function writeSpec(desk: Desk): Promise<{ readonly large: Buffer }> {
  const large = safetensors(300_000);
  await desk.write("weights/one/model.safetensors", large);
  await desk.write("weights/one/config.json", '{"a":1}\n');
  await desk.write("weights/two/note.txt", "two\n".repeat(100));
  const source = (name: string) => ({ url: `file://${desk.folder}/weights/${name}/` });
  await desk.write(
    "models.json",
    JSON.stringify({
      version: 1,
      root: "/models",
      models: [
        {
          name: "one",
          title: "One",
          delivery: "bake",
          source: source("one"),
          files: ["model.safetensors", "config.json"],
        },
        {
          name: "two",
          title: "Two",
          delivery: "mount",
          source: source("two"),
          files: ["note.txt"],
        },
      ],
    }),
  );
  return { large };
}

/** A whole safetensors file with one tensor of random bytes. */
export function safetensors(size: number): Buffer {
  const header = Buffer.from(
    JSON.stringify({ w: { dtype: "U8", shape: [size], data_offsets: [0, size] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, randomBytes(size)]);
}
