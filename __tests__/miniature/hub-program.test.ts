import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";

const node = join("node_modules", ".bin", "node");
const program = join("examples", "miniature", "hub.ts");

describe("hub.ts as a program", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "hub-program-"));
    await mkdir(join(root, "owner", "model"), { recursive: true });
    await writeFile(join(root, "owner", "model", "config.json"), "{}\n");
  });
  afterAll(async () => {
    await rm(root, { recursive: true });
  });

  it.each(["SIGTERM", "SIGINT"] as const)("serves until %s", async (signal) => {
    const child = spawn(node, [program, "--root", root], { stdio: ["ignore", "pipe", "inherit"] });
    const exit = once(child, "exit");
    try {
      const [line] = await once(child.stdout, "data");
      const endpoint = /^HF_ENDPOINT=(http:\/\/127\.0\.0\.1:\d+)\n$/.exec(String(line))?.[1] ?? "";
      const response = await fetch(`${endpoint}/owner/model/resolve/main/config.json`);
      expect(await response.text()).toBe("{}\n");
    } finally {
      child.kill(signal);
    }
    expect(await exit).toEqual([0, null]);
  });

  it("explains itself", async () => {
    const run = promisify(execFile);
    expect((await run(node, [program, "--help"])).stdout).toContain("--root DIR");
    await expect(run(node, [program])).rejects.toMatchObject({ code: 2 });
  });
});
