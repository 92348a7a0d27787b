import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { pullMiniature } from "../integration/miniature.ts";
import { attempt, buildTimeout, docker, localInputs, quickly } from "./docker.ts";

const image = `director-cuda-test:${process.pid}`;
const run = promisify(execFile);

/** The image as it is by default, with torch; only the Rust program is compiled quickly. */
async function build(): Promise<void> {
  const what = [
    "--file",
    "Dockerfile.director",
    "--target",
    "runtime",
    "--platform",
    "linux/amd64",
  ];
  // Four gigabytes of libraries hardly get smaller, and here nobody pulls them.
  const output = `type=image,name=docker.io/library/${image},compression=uncompressed,unpack=true`;
  await docker(
    "buildx",
    "build",
    ...what,
    ...(await localInputs()),
    ...quickly,
    "--output",
    output,
    ".",
  );
}

describe("The image by default, with CUDA's torch", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "cuda-"));
    await pullMiniature(folder);
    await build();
  }, buildTimeout);
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await attempt("image", "rm", image);
  });

  it('docker exec ID python3 -c "import torch; …", beside a Director that has loaded its models', async () => {
    const models = [
      "--mount",
      `type=bind,source=${join(folder, "models")},target=/models,readonly`,
    ];
    const hard = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none"];
    const id = await docker("run", "--detach", ...hard, ...models, image);
    try {
      const program =
        "import torch; print(torch.__version__, torch.version.cuda, torch.cuda.is_available())";
      expect(await docker("exec", id, "python3", "-c", program)).toBe("2.7.1+cu126 12.6 False");
      const said = await saidBy(id, "All models loaded.");
      expect(said).toMatch(/Loading Flux-Schnell\.\.\.[\s\S]*All models loaded\. VRAM: 0\.0 GB/);
    } finally {
      await docker("rm", "--force", id);
    }
  }, 180_000);

  it("keeps the size without models below 10 GB", async () => {
    const used = await docker(
      ...["run", "--rm", "--user", "0", "--entrypoint", "du", image, "-sxB1", "/"],
    );
    expect(Number(used.split("\t")[0])).toBeLessThan(10e9);
  });

  it("has a torch whose own reader and placing agree with Vortex's", async () => {
    const { stdout: uv } = await run(join("scripts", "setup", "python-tool.sh"), ["uv"]);
    await run(uv.trim(), ["sync", "--locked", "--quiet", "--project", "vortex"]);
    const tools = "/source/.venv/lib/python3.11/site-packages"; // pytest, for the image's own Python
    const said = await docker(
      ...["run", "--rm", "--network", "none", "--tmpfs", "/tmp", "--entrypoint", "python3"],
      ...["--mount", `type=bind,source=${join(process.cwd(), "vortex")},target=/source,readonly`],
      ...["--env", `PYTHONPATH=${tools}`, "--workdir", "/source", image],
      ...["-m", "pytest", "-p", "no:cacheprovider", "tests/test_torch.py"],
    );
    expect(said).toMatch(/3 passed, 1 skipped/);
  }, 180_000);
});

/** What a container has printed, once it has printed `words`. */
async function saidBy(id: string, words: string): Promise<string> {
  for (const deadline = Date.now() + 120_000; ; ) {
    const { said } = await attempt("logs", id);
    if (said.includes(words) || Date.now() > deadline) return said;
    await setTimeout(500);
  }
}
