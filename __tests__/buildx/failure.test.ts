import { describe, expect, it } from "@jest/globals";
import { buildError } from "../../src/buildx/failure.ts";
import { follow, nothingYet } from "../../src/buildx/progress.ts";
import { CheckError, CommandError, RemoteError, UsageError } from "../../src/errors.ts";

const source = { file: "/w/Dockerfile.director", context: "/w", contexts: {}, target: undefined };
function errorOf(lines: readonly string[]) {
  const progress = lines.reduce((before, line) => follow(before, line).progress, nothingYet);
  return buildError(source, { code: 1, stdout: "", stderr: lines.join("\n") }, progress);
}

/** What buildx 0.29 and 0.36 print last, as seen. */
describe("who must act is told from buildx's last words", () => {
  it.each([
    ['target stage "zzz" could not be found', UsageError, "target:"],
    ["failed to read dockerfile: open none: no such file or directory", UsageError, "file:"],
    ['unable to prepare context: path "x" not found', UsageError, "context:"],
    ['no builder "nob" found', UsageError, "builder:"],
    [
      "granting entitlement network.host is not allowed by build daemon configuration",
      UsageError,
      "allow:",
    ],
    ["OCI exporter is not supported for the docker driver.", CommandError, "classic store"],
    ["Multi-platform build is not supported for the docker driver.", CommandError, "classic store"],
    [
      "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
      CommandError,
      "Docker does not answer",
    ],
    ["write /var/lib/x: no space left on device", CommandError, "disk is full"],
    [
      "failed to push r/x: unexpected status from POST request to https://r/v2/x/blobs/uploads/: 401 Unauthorized",
      RemoteError,
      "registry did not take",
    ],
    [
      'r/x:1: failed to resolve source metadata for r/x:1: failed to do request: Head "https://r/v2": dial tcp 1.2.3.4:443: connect: connection refused',
      RemoteError,
      "base image cannot be fetched",
    ],
    ["something new", CommandError, "something new"],
  ])("%s", (said, kind, message) => {
    const error = errorOf([`ERROR: failed to build: failed to solve: ${said}`]);
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(message);
  });
});

const step = "[linux/amd64 runtime 2/2] RUN make";
const vertex = (more: object) =>
  JSON.stringify({ vertexes: [{ digest: "sha256:1", name: step, ...more }] });
const printed = (text: string) =>
  JSON.stringify({ logs: [{ vertex: "sha256:1", data: Buffer.from(text).toString("base64") }] });
const place = [
  "Dockerfile.director:7",
  "--------------------",
  "   6 |     FROM a",
  "   7 | >>> RUN make \\",
  "   8 | >>>   all",
  "--------------------",
];

it("an instruction that fails is a CheckError with its line, its step and its last words", () => {
  const error = errorOf([
    vertex({}),
    printed("cc: boom\n"),
    vertex({ error: "exit code: 2" }),
    ...place,
    'ERROR: failed to build: failed to solve: process "/bin/sh -c make   all" did not complete successfully: exit code: 2',
  ]);
  expect(error).toBeInstanceOf(CheckError);
  expect(error.message).toBe(
    [
      "Dockerfile.director:7: the build failed: exit code: 2",
      "  the line: RUN make \\   all",
      `  the step: ${step}`,
      "  its last lines:",
      "  | cc: boom",
    ].join("\n"),
  );
});

it("an instruction's own words are not taken for buildx's", () => {
  const error = errorOf([
    vertex({ error: "exit code: 2" }),
    ...place,
    'ERROR: failed to build: failed to solve: process "/bin/sh -c echo failed to push; echo no space left on device" did not complete successfully: exit code: 2',
  ]);
  expect(error).toBeInstanceOf(CheckError);
});

it("an image that a registry does not have is the Dockerfile's fault", () => {
  const error = errorOf([
    ...place,
    "ERROR: failed to build: failed to solve: r/x:1: failed to resolve source metadata for r/x:1: r/x:1: not found",
  ]);
  expect(error).toBeInstanceOf(CheckError);
});

it("a program of another platform says how to get emulation", () => {
  const error = errorOf([
    vertex({}),
    printed("exec /bin/sh: exec format error"),
    vertex({ error: "exit code: 255" }),
    ...place,
    'ERROR: failed to build: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 255',
  ]);
  expect(error).toBeInstanceOf(CommandError);
  expect(error.todo).toContain("tonistiigi/binfmt --install all");
});
