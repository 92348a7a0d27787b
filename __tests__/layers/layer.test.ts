import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import { type LayerFile, layerFormat, layerLayout, layerSize } from "../../src/layers/layer.ts";
import { layerStream } from "../../src/layers/layer-stream.ts";
import { tarHeader } from "../../src/layers/tar-header.ts";

const folder = mkdtempSync(join(tmpdir(), "layers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Filled extends LayerFile {
  readonly content: Buffer;
}

const filled = (path: string, size: number): Filled => ({
  path,
  size,
  content: Buffer.from(Array.from({ length: size }, (_, at) => (at * 31 + path.length) % 251)),
});

async function bytesOf(files: readonly Filled[], from = 0): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const open = async function* (file: Filled, at: number) {
    yield file.content.subarray(at);
  };
  for await (const piece of layerStream(layerLayout(files), open, from)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const long = `models/one/${"a-long-folder/".repeat(9)}${"n".repeat(80)}.safetensors`;
const longer = `models/one/${"b".repeat(240)}/${"c".repeat(200)}.bin`;
const files = [
  filled("models/two/weights.bin", 1000),
  filled("models/one/b.json", 3),
  filled("models/one/a/deep.txt", 512),
  filled("models/one/empty.txt", 0),
  filled("models/one/stimme-ä-声.pt", 1025),
  filled(long, 10),
  filled(longer, 11),
];

describe("a layer", () => {
  it("has the same bytes on every machine and in every release", async () => {
    const digest = createHash("sha256")
      .update(await bytesOf(files))
      .digest("hex");
    expect({ layerFormat, digest }).toEqual({
      layerFormat: 1,
      digest: "e81e03e3f1ea7f35dc0a573acb514b8b537afd43cc9427a28e3bf22d07a2eea2",
    });
  });

  it("is told in size without reading a file", async () => {
    expect(layerSize(files)).toBe((await bytesOf(files)).length);
    expect(
      layerSize([{ path: "models/clip-vit-l-14/model.safetensors", size: 1_710_540_580 }]),
    ).toBe(1_710_543_360);
  });

  it("does not depend on the order in which its files are named", async () => {
    expect(await bytesOf(files.toReversed())).toEqual(await bytesOf(files));
  });

  it("gives its files back through GNU tar, with their folders, modes, owner and time", async () => {
    const archive = join(folder, "layer.tar");
    writeFileSync(archive, await bytesOf(files));
    const out = mkdtempSync(join(folder, "out-"));
    execFileSync("tar", ["-xf", archive, "-C", out]);
    for (const { path, content } of files)
      expect(readFileSync(join(out, path)).equals(content)).toBe(true);
    const listed = execFileSync("tar", ["--utc", "--full-time", "-tvf", archive], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C.UTF-8" },
    });
    const lines = listed.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^drwxr-xr-x 0\/0 +0 1970-01-01 00:00:00 models\/$/);
    for (const line of lines)
      expect(line).toMatch(/^(drwxr-xr-x|-rw-r--r--) 0\/0 +\d+ 1970-01-01 00:00:00 models\//);
    expect(lines.filter((line) => line.startsWith("d")).length).toBe(3 + 1 + 9 + 1);
  });

  it("can be opened at any byte", async () => {
    const whole = await bytesOf(files);
    for (const from of [0, 1, 511, 512, 1536, 2047, 3000, 5000, whole.length - 1, whole.length])
      expect((await bytesOf(files, from)).equals(whole.subarray(from))).toBe(true);
  });

  it("uses pax only where ustar cannot say it", () => {
    const typeOf = (path: string, size: number) =>
      String.fromCharCode(tarHeader({ path, type: "file", size })[156] ?? 0);
    expect(typeOf("models/a", 8 * 2 ** 30 - 1)).toBe("0");
    expect(typeOf("models/a", 8 * 2 ** 30)).toBe("x");
    expect(typeOf("p".repeat(100), 0)).toBe("0");
    expect(typeOf("p".repeat(101), 0)).toBe("x");
    expect(typeOf(`${"d".repeat(155)}/${"p".repeat(100)}`, 0)).toBe("0");
    expect(typeOf(`${"d".repeat(156)}/${"p".repeat(100)}`, 0)).toBe("x");
    expect(typeOf("ä", 0)).toBe("x");
  });

  it("says sizes beyond 8 GiB so that GNU tar reads them", () => {
    const size = 9 * 2 ** 30;
    const archive = join(folder, "large.tar");
    const header = tarHeader({ path: "models/large.bin", type: "file", size });
    writeFileSync(archive, header);
    truncateSync(archive, header.length + size + 1024);
    const listed = execFileSync("tar", ["-tvf", archive], { encoding: "utf8" });
    expect(listed).toMatch(new RegExp(` ${size} .* models/large.bin`));
  });
});
