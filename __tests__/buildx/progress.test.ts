import { describe, expect, it } from "@jest/globals";
import { failedStep, follow, isCached, nothingYet } from "../../src/buildx/progress.ts";

const started = "2026-11-24T02:00:00.000000001Z";
const completed = "2026-11-24T02:00:01.500000001Z";
const base64 = (text: string) => Buffer.from(text).toString("base64");
const vertex = (name: string, more: object = {}) =>
  JSON.stringify({ vertexes: [{ digest: `sha256:${name}`, name, ...more }] });
const printed = (name: string, text: string) =>
  JSON.stringify({ logs: [{ vertex: `sha256:${name}`, stream: 1, data: base64(text) }] });

function read(lines: readonly string[]) {
  let progress = nothingYet;
  const shown = lines.flatMap((line) => {
    const next = follow(progress, line);
    progress = next.progress;
    return next.shown;
  });
  return { progress, shown };
}

it("joins the pieces that a program writes into lines, and shows what has no end when the step is over", () => {
  const { shown, progress } = read([
    vertex("x", { started }),
    printed("x", "Failed to fe"),
    printed("x", "tch\ncause: time"),
    printed("x", "d out"),
    vertex("x", { started, completed, error: "exit code: 2" }),
    printed("x", "late"),
  ]);
  expect(shown).toEqual([
    "#1 x",
    "#1 Failed to fetch",
    "#1 cause: timed out",
    "#1 ERROR: exit code: 2",
    "#1 late",
  ]);
  expect(failedStep(progress)?.tail).toEqual(["Failed to fetch", "cause: timed out", "late"]);
});

const copy = "[linux/amd64 runtime 1/2] COPY a /a";
const run = "[linux/amd64 runtime 2/2] RUN make";

it("shows each step by number, what it prints, and how it ended", () => {
  const { shown } = read([
    vertex("[internal] load .dockerignore", { started, completed: started }),
    vertex(run),
    vertex(run, { started }),
    printed(run, "one\ntwo\n"),
    JSON.stringify({ statuses: [{ id: "transferring", vertex: "x", current: 1 }] }),
    JSON.stringify({ warnings: [{ short: base64("JSONArgsRecommended") }] }),
    vertex(run, { started, completed }),
    vertex(run, { started, completed }),
    vertex(copy, { started, completed: started, cached: true }),
    "WARNING: a word of buildx",
  ]);
  expect(shown).toEqual([
    "#1 [internal] load .dockerignore",
    `#2 ${run}`,
    "#2 one",
    "#2 two",
    "warning: JSONArgsRecommended",
    "#2 DONE 1.5s",
    `#3 ${copy}`,
    "#3 CACHED",
    "WARNING: a word of buildx",
  ]);
});

it("leaves out the engine's chatter about locks that it retries itself", () => {
  const noise =
    "ERROR: (*service).Write failed: rpc error: code = Unavailable desc = ref layer locked for 20ms";
  expect(read([noise, ""])).toEqual({ progress: nothingYet, shown: [] });
});

it("takes a line that looks like JSON and is not for a message", () => {
  expect(read(["{oops"]).progress.messages).toEqual(["{oops"]);
});

describe("a build is cached", () => {
  const from = vertex("[linux/amd64 runtime 1/3] FROM docker.io/library/ubuntu", {
    started,
    completed,
  });
  it.each([
    [
      "if every instruction came from the cache",
      [from, vertex(copy, { completed, cached: true })],
      true,
    ],
    [
      "even if the cache was in a registry and had to be fetched",
      [vertex(copy, { completed: started, cached: true }), vertex(copy, { started, completed })],
      true,
    ],
    [
      "not if one had to run",
      [vertex(copy, { completed, cached: true }), vertex(run, { started, completed })],
      false,
    ],
  ])("%s", (_, lines, expected) => expect(isCached(read(lines).progress)).toBe(expected));
});

describe("the step that failed", () => {
  it("is the one that broke, not those that were cancelled with it, and has its last twenty lines", () => {
    const { progress } = read([
      vertex(copy, { started, completed, error: "context canceled" }),
      vertex(run, { started }),
      printed(run, Array.from({ length: 30 }, (_, at) => `line ${at}`).join("\n")),
      vertex(run, { started, completed, error: "exit code: 1" }),
    ]);
    expect(failedStep(progress)).toMatchObject({ name: run, error: "exit code: 1" });
    expect(failedStep(progress)?.tail).toHaveLength(20);
    expect(failedStep(progress)?.tail.at(-1)).toBe("line 29");
  });

  it("is never a cache that could not be read or written", () => {
    const { progress, shown } = read([
      vertex("importing cache manifest from r:c", { started, completed, error: "not found" }),
    ]);
    expect(failedStep(progress)).toBeUndefined();
    expect(shown.at(-1)).toBe("#1 without it: not found");
  });
});
