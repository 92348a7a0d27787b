import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { layerLines } from "../../src/sarif/layer-line.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "histories", name), "utf8");

/** What BuildKit writes as the image's history, oldest first; __tests__/dockerfile/history.test.ts asks it. */
const history = JSON.parse(read("forms.json")) as readonly string[];

/** Histories' entries that make no layer have no line. */
const isLayer = (entry: string) => /^(RUN|COPY|ADD|WORKDIR)/.test(entry);

describe("every form that makes a layer", () => {
  const text = read("forms.Dockerfile");
  const firstWords = text
    .split("\n")
    .flatMap((line, at) => (/^(RUN|COPY|ADD|WORKDIR) /.test(line) ? [at + 1] : []));

  it("is found in the order of the file, the base's own layer not at all", () => {
    const lineOf = layerLines(text);
    const found = history.filter(isLayer).map(lineOf);
    expect(found).toEqual([undefined, ...firstWords]);
  });

  it("is found among the lines of the target's stages only", () => {
    const lineOf = layerLines(text, "first");
    expect(lineOf("COPY . ./ctx # buildkit")).toBeUndefined();
    expect(lineOf("ADD one.txt /added # buildkit")).toBe(43);
  });
});

it.each([
  ["a comment first", "# x\n\nFROM a\nRUN one\n", "RUN /bin/sh -c one # buildkit", 4],
  [
    "Windows' line ends",
    "FROM a\r\nRUN one \\\r\n  two\r\n",
    "RUN /bin/sh -c one   two # buildkit",
    2,
  ],
  [
    "another escape",
    "# escape=`\nFROM a\nRUN one `\n two\nRUN three",
    "RUN /bin/sh -c one  two # buildkit",
    3,
  ],
  ["a byte order mark", "\uFEFFFROM a\nRUN one", "RUN /bin/sh -c one # buildkit", 2],
  ["small letters", "from a\nrun one", "RUN /bin/sh -c one # buildkit", 2],
  ["build arguments", "FROM a\nARG X\nRUN one", "RUN |1 X=b c /bin/sh -c one # buildkit", 3],
  ["the longer of two ends", "FROM a\nRUN b\nRUN -c b", "RUN /bin/sh -c -c b # buildkit", 3],
  [
    "not another command's end",
    "FROM a\nRUN true",
    "RUN /bin/sh -c echo true # buildkit",
    undefined,
  ],
  [
    "not the same words of another instruction",
    "FROM a\nCOPY a b",
    "ADD a b # buildkit",
    undefined,
  ],
  ["a relative folder", "FROM a\nWORKDIR b", "WORKDIR /b", 2],
  ["a relative folder in another", "FROM a\nWORKDIR /a\nWORKDIR b", "WORKDIR /a/b", 3],
  [
    "a value for a variable",
    "FROM a\nCOPY $" + "{A:-$" + "{B}} /x",
    "COPY dir/file /x # buildkit",
    2,
  ],
  [
    "the plain line before the one with a variable",
    "FROM a\nCOPY $A /x\nCOPY y /x",
    "COPY y /x # buildkit",
    3,
  ],
  ["the old builder's RUN", "FROM a\nRUN apt-get update", "apt-get update", 2],
  ["the old builder's RUN, as it is", "FROM a\nRUN apt-get update", "/bin/sh -c apt-get update", 2],
  ["the old builder's COPY", "FROM a\nCOPY x /y/", "COPY file:0123 in /y/ ", 2],
  ["the old builder's arguments", "FROM a\nRUN b", "|1 X=1 /bin/sh -c b", 2],
  [
    "characters that mean something in patterns",
    "FROM a\nCOPY (a+b)*[c] /d",
    "COPY (a+b)*[c] /d # buildkit",
    2,
  ],
  ["a heredoc that never ends", "FROM a\nRUN <<E\nb", "RUN /bin/sh -c b\n # buildkit", 2],
  ["a line that goes on after the end", "FROM a\nRUN b \\", "RUN /bin/sh -c b # buildkit", 2],
  ["no entry", "FROM a\nRUN b", "", undefined],
  ["no Dockerfile", "", "RUN /bin/sh -c b # buildkit", undefined],
])("%s", (_, text, createdBy, line) => expect(layerLines(text)(createdBy)).toBe(line));

it("looks at other stages only where a variable names the one below", () => {
  const stages = "FROM a AS one\nRUN x\nFROM b AS two\nRUN y\n";
  const entry = "RUN /bin/sh -c x # buildkit";
  expect(layerLines(`${stages}FROM two\nRUN z`)(entry)).toBeUndefined();
  expect(layerLines(`ARG S=one\n${stages}FROM $S\nRUN z`)(entry)).toBe(3);
});

it("reads a hostile history in no time", () => {
  const text = `FROM a\nCOPY ${"$A".repeat(5)} /x\nRUN ${"a ".repeat(1000)}\n`;
  const started = Date.now();
  expect(layerLines(text)(`COPY ${"y ".repeat(5000)}`)).toBeUndefined();
  expect(Date.now() - started).toBeLessThan(2000);
});
