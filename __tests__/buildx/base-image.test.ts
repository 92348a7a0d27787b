import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { baseImage } from "../../src/buildx/base-image.ts";
import { readMaterials } from "../../src/buildx/provenance.ts";

/** A variable as a Dockerfile writes it. */
const braced = (inside: string) => `$\{${inside}}`;
const none = { target: undefined, contexts: {} };

describe("the image that a target stands on", () => {
  it.each([
    [
      "the last stage's",
      "FROM rust AS builder\nFROM ubuntu:22.04\n",
      none,
      {},
      "docker.io/library/ubuntu:22.04",
    ],
    [
      "through stages, in any letters",
      "FROM a.io/b:1 AS Base\nFROM base AS mid\nfrom mid as runtime\n",
      none,
      {},
      "a.io/b:1",
    ],
    [
      "of the target",
      "FROM a.io/b AS one\nFROM a.io/c AS two\n",
      { ...none, target: "one" },
      {},
      "a.io/b:latest",
    ],
    [
      "by a global argument",
      `ARG V=22.04\nARG B=ubuntu:$V\nFROM --platform=linux/amd64 ${braced("B")}\n`,
      none,
      {},
      "docker.io/library/ubuntu:22.04",
    ],
    [
      "by a build argument",
      `ARG V=22.04\nFROM ubuntu:${braced("V")}\n`,
      none,
      { V: "24.04" },
      "docker.io/library/ubuntu:24.04",
    ],
    [
      "by a default in place",
      `ARG V\nFROM ubuntu:${braced("V:-20.04")}\n`,
      none,
      {},
      "docker.io/library/ubuntu:20.04",
    ],
    [
      "by platform",
      "FROM a.io/x AS base-amd64\nFROM a.io/y AS base-arm64\nFROM base-$TARGETARCH\n",
      none,
      {},
      "a.io/y:latest",
    ],
    [
      "in the place of a named context",
      "FROM ubuntu:22.04\n",
      { ...none, contexts: { "ubuntu:22.04": "docker-image://a.io/b:2" } },
      {},
      "a.io/b:2",
    ],
    [
      "in the place of a stage",
      "FROM a.io/x AS base\nFROM base\n",
      { ...none, contexts: { base: "docker-image://a.io/b:2" } },
      {},
      "a.io/b:2",
    ],
    [
      "with a digest",
      `FROM a.io/b:1@sha256:${"0".repeat(64)}\n`,
      none,
      {},
      `a.io/b:1@sha256:${"0".repeat(64)}`,
    ],
    ["is none for scratch", "FROM scratch\n", none, {}, undefined],
    [
      "is none for a folder",
      "FROM base\n",
      { ...none, contexts: { base: "oci-layout://x" } },
      {},
      undefined,
    ],
    [
      "is none where a stage stands on itself",
      "FROM a AS a\n",
      none,
      {},
      "docker.io/library/a:latest",
    ],
  ])("%s", (_, text, source, args, expected) => {
    expect(baseImage(text, source, args, "linux/arm64")).toBe(expected);
  });

  it.each([
    ["linux/amd64", {}, "docker.io/nvidia/cuda:"],
    ["linux/arm64", {}, "docker.io/library/ubuntu:22.04"],
    ["linux/amd64", { VORTEX_EXTRAS: "" }, "docker.io/library/ubuntu:22.04"],
  ])("of our own Dockerfile on %s with %j is %s", (platform, args, expected) => {
    const text = readFileSync("Dockerfile.director", "utf8");
    expect(baseImage(text, { target: "runtime", contexts: {} }, args, platform)).toContain(
      expected,
    );
  });
});

it("materials of either SLSA version are read by the images' full names", () => {
  const sha256 = "1".repeat(64);
  const material = {
    uri: "pkg:docker/127.0.0.1%3A5000/base@bookworm?platform=linux%2Farm64",
    digest: { sha256 },
  };
  const ubuntu = { uri: "pkg:docker/ubuntu@22.04?platform=linux%2Famd64", digest: { sha256 } };
  const expected = new Map([
    ["127.0.0.1:5000/base:bookworm", `sha256:${sha256}`],
    ["docker.io/library/ubuntu:22.04", `sha256:${sha256}`],
  ]);
  expect(
    readMaterials(
      JSON.stringify({ predicate: { materials: [material, ubuntu, { uri: "https://x" }] } }),
    ),
  ).toEqual(expected);
  expect(
    readMaterials(
      JSON.stringify({
        predicate: { buildDefinition: { resolvedDependencies: [material, ubuntu] } },
      }),
    ),
  ).toEqual(expected);
});
