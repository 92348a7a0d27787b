import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { miniatureFiles } from "../../examples/miniature/models.ts";

const run = promisify(execFile);
const node = join("node_modules", ".bin", "node");
const program = join("examples", "miniature", "make.ts");
const files = new Map(miniatureFiles());
const sha256 = (data: Buffer | string) => createHash("sha256").update(data).digest("hex");

/** A digest over the sorted sha256sum lines of one repository. */
function digestOf(name: string): string {
  const lines = [...files]
    .filter(([path]) => path.startsWith(`nsn-miniature/${name}/`))
    .map(([path, data]) => `${sha256(data)}  ${path}\n`);
  return sha256(lines.sort().join(""));
}

describe("the miniature's bytes", () => {
  // These very bytes were read by torch 2.7.1 (weights_only), safetensors, onnx.checker and
  // tokenizers: after a change, try those again and put the new digests here.
  it.each([
    ["flux-schnell-nf4", "d65793c06c8e37110851e07c7f61281274c9b282717e4d79a3e95322679ebb9c"],
    ["live-portrait-fp16", "617741079d251fa148bb834107fc4cb3e153c9d6426937962187639ddcffa2ad"],
    ["kokoro-82m", "2ee68fbc5dd2bed68a0b492c72f95c116ae0e82f1fe526c06f1f903ddadd99d7"],
    ["clip-vit-b-32", "e1d56f15f16d4823a33680d7549f22cb8fb297af59e818f815594e36ca9d0e12"],
    ["clip-vit-l-14", "ed773e82b939f35a6615974fe821149f6229c744ff388597e9b135427ca0c756"],
  ])("of %s are the same on every machine", (name, digest) => {
    expect(digestOf(name)).toBe(digest);
  });

  it("are a few tens of megabytes in five repositories", () => {
    const total = [...files.values()].reduce((sum, { length }) => sum + length, 0);
    expect(total).toBeGreaterThan(30e6);
    expect(total).toBeLessThan(50e6);
    expect(new Set([...files.keys()].map((path) => path.split("/")[1])).size).toBe(5);
  });
});

describe("make.ts", () => {
  let out = "";
  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), "miniature-"));
  });
  afterAll(async () => {
    await rm(out, { recursive: true });
  });

  it("writes every file, then leaves intact files alone and mends a damaged one", async () => {
    const first = await run(node, [program, "--out", out]);
    expect(first.stdout).toContain(`${files.size} written`);
    const path = join(out, "nsn-miniature/clip-vit-l-14/model.safetensors");
    const before = await stat(path);
    expect(sha256(await readFile(path))).toBe(
      sha256(files.get("nsn-miniature/clip-vit-l-14/model.safetensors") ?? ""),
    );
    expect((await run(node, [program, "--out", out])).stdout).toContain(" 0 written");
    expect((await stat(path)).mtimeMs).toBe(before.mtimeMs);
    await writeFile(path, "damaged");
    expect((await run(node, [program, "--out", out])).stdout).toContain(" 1 written");
    expect((await stat(path)).size).toBe(before.size);
    expect((await readdir(out)).sort()).toEqual(["nsn-miniature"]);
  }, 30_000);

  it("explains itself", async () => {
    expect((await run(node, [program, "--help"])).stdout).toContain("--out DIR");
    await expect(run(node, [program])).rejects.toMatchObject({ code: 2 });
  });
});
