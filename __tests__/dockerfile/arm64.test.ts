import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { attempt, build, buildTimeout, docker } from "./docker.ts";

const image = `director-arm64-test:${process.pid}`;

function inImage(...command: readonly string[]): Promise<string> {
  const [program = "", ...args] = command;
  const run = [
    "run",
    "--rm",
    "--platform",
    "linux/arm64",
    "--network",
    "none",
    "--entrypoint",
    program,
  ];
  return docker(...run, image, ...args);
}

describe("The image without weights, for arm64", () => {
  beforeAll(async () => {
    await build(".", "--target", "runtime", "--platform", "linux/arm64", "--tag", image);
  }, buildTimeout);
  afterAll(async () => {
    await attempt("image", "rm", image);
  });

  it("holds a program for aarch64 that needs no newer C library than Ubuntu 22.04's", async () => {
    const script = `
import re, sys
data = open("/app/nsn-director", "rb").read()
machine = int.from_bytes(data[18:20], "little")
versions = {tuple(map(int, v.split(b"."))) for v in re.findall(rb"GLIBC_([0-9.]+)\\0", data)}
print(machine, max(versions) <= (2, 35), bool(versions))`;
    expect(await inImage("python3", "-c", script)).toBe("183 True True"); // EM_AARCH64
  });

  it("runs", async () => {
    expect(await inImage("uname", "-m")).toBe("aarch64");
    expect(await inImage("/app/nsn-director", "--version")).toMatch(/^nsn-director \d+\.\d+\.\d+/);
  });

  it("has Vortex and what it needs for that processor", async () => {
    const program =
      "import numpy, vortex, platform; print(platform.machine(), numpy.zeros(2).sum())";
    expect(await inImage("python3", "-c", program)).toBe("aarch64 0.0");
  });
});
