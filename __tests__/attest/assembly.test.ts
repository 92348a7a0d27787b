import { describe, expect, it } from "@jest/globals";
import { type Assembly, assemblyPredicate } from "../../src/attest/assembly.ts";
import { assemblyPredicate as shape } from "../../src/attest/predicates.ts";
import { digestOf } from "../../src/images/digest.ts";
import type { Lock } from "../../src/models/lock.ts";
import { weightsOf } from "../../src/pipeline/model-parts.ts";
import type { PrepareResult } from "../../src/results/stages.ts";

const plan: PrepareResult = {
  image: "ghcr.io/nsn/director",
  target: "ghcr.io/nsn/director",
  platforms: [{ platform: "linux/amd64", runner: "" }],
  tags: [],
  labels: { "org.opencontainers.image.source": "https://github.com/nsn/director" },
  annotations: {},
  manifestAnnotations: {},
  push: true,
  pushReason: "push is true",
  cacheMayBeWritten: true,
  models: { lock: "models.lock.json", delivery: "hybrid", repository: "ghcr.io/nsn/director" },
  source: { revision: "a".repeat(40), commitTime: 0, created: "1970-01-01T00:00:00Z" },
};
const runtime = { repository: "ghcr.io/nsn/director", digest: digestOf("runtime") };
const assembly: Assembly = {
  plan,
  platforms: [{ platform: "linux/amd64", runtime, base: undefined }],
  models: undefined,
  weights: [],
  lock: undefined,
  untested: undefined,
  builder: "https://github.com/nsn/director/.github/workflows/x.yml@refs/heads/main",
  invocation: undefined,
};
const dependencies = (more: Partial<Assembly>) =>
  shape.parse(assemblyPredicate({ ...assembly, ...more })).buildDefinition.resolvedDependencies;
const kinds = (more: Partial<Assembly>) =>
  dependencies(more).map(({ annotations }) => annotations.kind);

describe("the assembly's provenance", () => {
  const { source } = plan;
  const event = "e".repeat(40);
  it.each<[string, Partial<Assembly>, readonly string[]]>([
    ["an image without weights", {}, ["commit", "runtime"]],
    [
      "a build whose commit nobody knows",
      { plan: { ...plan, source: { ...source, revision: undefined } } },
      ["runtime"],
    ],
    [
      "a scheduled rebuild of a release",
      { plan: { ...plan, source: { ...source, event } } },
      ["commit", "event-commit", "runtime"],
    ],
    [
      "an event of the very commit",
      { plan: { ...plan, source: { ...source, event: source.revision } } },
      ["commit", "runtime"],
    ],
    [
      "a base that was not pinned",
      {
        platforms: [{ platform: "linux/amd64", runtime, base: { name: "docker.io/library/a:1" } }],
      },
      ["commit", "runtime"],
    ],
    [
      "weights that were pushed",
      {
        models: { repository: "ghcr.io/nsn/models", digest: digestOf("models") },
        lock: { path: "/models/models.lock.json", digest: digestOf("lock") },
        weights: [{ name: "one/w", origin: undefined, sha256: "0".repeat(64), delivery: "bake" }],
      },
      ["commit", "runtime", "models-image", "lock", "weight"],
    ],
  ])("of %s names what went in", (_, more, expected) => expect(kinds(more)).toEqual(expected));

  it.each([
    [
      "ghcr.io/nsn/director",
      `pkg:oci/director@${encodeURIComponent(runtime.digest)}?repository_url=ghcr.io%2Fnsn%2Fdirector`,
    ],
    [
      "docker.io/library/ubuntu:22.04",
      `pkg:oci/ubuntu@${encodeURIComponent(runtime.digest)}?repository_url=docker.io%2Flibrary%2Fubuntu&tag=22.04`,
    ],
    ["oci:runtime", undefined],
  ])("names an image in %s by a package URL, and a folder by none", (repository, uri) => {
    const platforms = [
      { platform: "linux/amd64", runtime: { ...runtime, repository }, base: undefined },
    ];
    expect(dependencies({ platforms })[1]?.uri).toBe(uri);
  });
});

describe("a weight's origin", () => {
  const file = { path: "a b/model.bin", size: 1, sha256: "0".repeat(64) };
  const lock = (source: Lock["models"][number]["source"]): Lock => ({
    version: 1,
    root: "/models",
    models: [{ name: "one", title: "One", delivery: "mount", source, files: [file] }],
  });
  it.each([
    [
      { huggingface: "hexgrad/Kokoro-82M", revision: "f3ff" },
      "https://huggingface.co/hexgrad/Kokoro-82M/resolve/f3ff/a%20b/model.bin",
    ],
    [{ url: "https://cdn.example/one/" }, "https://cdn.example/one/a%20b/model.bin"],
    [{ url: "https://cdn.example/one" }, "https://cdn.example/one/a%20b/model.bin"],
    [{ url: "file:///home/somebody/one/" }, undefined],
  ])("of %j is %s", (source, origin) => {
    expect(weightsOf(lock(source), "hybrid")).toEqual([
      { name: "one/a b/model.bin", origin, sha256: file.sha256, delivery: "mount" },
    ]);
    expect(weightsOf(lock(source), "bake")[0]?.delivery).toBe("bake");
  });
});
