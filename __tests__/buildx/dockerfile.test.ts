import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { chooseTarget, findSource, stagesOf } from "../../src/buildx/dockerfile.ts";
import { UsageError } from "../../src/errors.ts";
import { files } from "../../src/host/files.ts";

const dockerfile = `# FROM nothing AS comment
ARG BASE=ubuntu
FROM --platform=$BUILDPLATFORM rust:1 AS builder
RUN cargo build
from \${BASE} \\
  as Runtime
FROM runtime
`;

describe("stages", () => {
  it("are read in lower case, over continued lines, without comments", () => {
    expect(stagesOf(dockerfile)).toEqual(["builder", "runtime"]);
  });

  it.each([
    ["the stage that was asked for", dockerfile, "builder", "builder"],
    ["a stage in other letters", dockerfile, "RUNTIME", "RUNTIME"],
    ["a stage by number", dockerfile, "0", "0"],
    ["runtime, where there is one", dockerfile, undefined, "runtime"],
    ["the last one, where there is no runtime", "FROM scratch", undefined, undefined],
  ])("the target is %s", (_, text, asked, expected) => {
    expect(chooseTarget(text, asked)).toBe(expected);
  });

  it("that are not there are named with those that are", () => {
    expect(() => chooseTarget(dockerfile, "final")).toThrow(UsageError);
    expect(() => chooseTarget(dockerfile, "final")).toThrow(
      'target: the Dockerfile has no stage "final"',
    );
  });
});

describe("the source of a build", () => {
  let workspace: string;
  beforeAll(async () => {
    workspace = await mkdtemp(join(tmpdir(), "source-"));
    await mkdir(join(workspace, "node"));
    await mkdir(join(workspace, "own"));
    await writeFile(join(workspace, "own", "Dockerfile.director"), dockerfile);
    await writeFile(join(workspace, "Other"), "FROM scratch AS a");
    await writeFile(join(workspace, "node", "Inner"), "FROM scratch AS runtime");
  });
  afterAll(() => rm(workspace, { recursive: true }));

  const find = (more: object) =>
    findSource(
      {
        workspace,
        context: ".",
        file: "Dockerfile.director",
        target: undefined,
        contexts: {},
        own: {
          file: join(workspace, "own", "Dockerfile.director"),
          context: join(workspace, "own"),
          contexts: { director: "/action/director" },
        },
        ...more,
      },
      files,
    );

  it("is the action's own where the workspace has no Dockerfile.director, with the caller's contexts above", async () => {
    expect(await find({ contexts: { base: "docker-image://x" } })).toMatchObject({
      file: join(workspace, "own", "Dockerfile.director"),
      context: join(workspace, "own"),
      contexts: { director: "/action/director", base: "docker-image://x" },
      target: "runtime",
    });
  });

  it.each([
    ["from the workspace", { file: "Other" }, { file: "Other", context: ".", target: undefined }],
    [
      "from the context",
      { file: "Inner", context: "node" },
      { file: "node/Inner", context: "node", target: "runtime" },
    ],
  ])("is a file that is named %s", async (_, asked, { file, context, target }) => {
    expect(await find(asked)).toMatchObject({
      file: join(workspace, file),
      context: join(workspace, context),
      contexts: {},
      target,
    });
  });

  it("has named folders from the workspace on, and other named contexts as they are", async () => {
    const contexts = {
      a: "node",
      b: "docker-image://x",
      c: "target:stage",
      d: "https://example.com/x.git",
    };
    expect((await find({ file: "Other", contexts })).contexts).toEqual({
      ...contexts,
      a: join(workspace, "node"),
    });
  });

  it("may be fetched by BuildKit itself", async () => {
    expect(await find({ context: "https://example.com/x.git", file: "Dockerfile" })).toMatchObject({
      context: "https://example.com/x.git",
      file: "Dockerfile",
    });
  });

  it.each([
    ["a file", { file: "Missing" }, 'file: there is no Dockerfile "Missing"'],
    ["a context", { context: "missing" }, 'context: "missing" is not a folder'],
    ["a context that is a file", { context: "Other" }, 'context: "Other" is not a folder'],
    [
      "a target",
      { file: "Other", target: "runtime" },
      'target: the Dockerfile has no stage "runtime"',
    ],
  ])("%s that is not there is a UsageError that names the input", async (_, asked, message) => {
    await expect(find(asked)).rejects.toThrow(UsageError);
    await expect(find(asked)).rejects.toThrow(message);
  });
});
