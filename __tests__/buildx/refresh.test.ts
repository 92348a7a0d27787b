import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { argumentsOf, stagesOf } from "../../src/buildx/dockerfile.ts";
import { refreshing, refuseUnknownStages } from "../../src/buildx/refresh.ts";
import { UsageError } from "../../src/errors.ts";
import { options } from "./requests.ts";

const declared = { stages: ["python", "runtime"], args: ["REFRESH"] };
const source = { target: "runtime", declared };

describe("a refresh", () => {
  it("asks for newer bases, runs the stage's steps again and sets REFRESH", () => {
    expect(refreshing(options, source, "2026-11")).toEqual({
      ...options,
      pull: true,
      args: { REFRESH: "2026-11" },
      noCacheFilters: ["runtime"],
    });
  });

  it("leaves an ordinary build as it is", () => {
    expect(refreshing(options, source, undefined)).toBe(options);
  });

  it.each([
    ["a Dockerfile that does not declare it", { ...declared, args: ["OTHER"] }],
    ["a Dockerfile that BuildKit fetches", undefined],
  ])("sets no REFRESH for %s", (_, known) => {
    const made = refreshing(options, { target: "runtime", ...(known && { declared: known }) }, "1");
    expect(made).toMatchObject({ pull: true, args: {}, noCacheFilters: ["runtime"] });
  });

  it("keeps what the caller says", () => {
    const given = { ...options, args: { REFRESH: "today" }, noCacheFilters: ["python", "runtime"] };
    expect(refreshing(given, source, "2026-11")).toMatchObject({
      args: { REFRESH: "today" },
      noCacheFilters: ["python", "runtime"],
    });
  });

  it.each([undefined, "2"])("filters no stage without a name (%s)", (target) => {
    expect(refreshing(options, { target, declared }, "1").noCacheFilters).toEqual([]);
  });
});

describe("no-cache-filters", () => {
  it("names stages of the Dockerfile, whatever their case", () => {
    expect(() => refuseUnknownStages({ noCacheFilters: ["Runtime"] }, source)).not.toThrow();
    expect(() =>
      refuseUnknownStages({ noCacheFilters: ["x"] }, { target: "a" } as never),
    ).not.toThrow();
  });

  it("refuses others with the ones that there are", () => {
    const refuse = () => refuseUnknownStages({ noCacheFilters: ["runtime", "final"] }, source);
    expect(refuse).toThrow(UsageError);
    expect(refuse).toThrow('no-cache-filters: the Dockerfile has no stage "final".');
  });
});

describe("the build arguments of a Dockerfile", () => {
  it("are read in whichever stage, several in one line, with and without defaults", () => {
    expect(
      argumentsOf('ARG A\nFROM x\n# ARG NO\narg B=1 C="2 D=3" \\\n  E\nRUN echo ARG F\n'),
    ).toEqual(expect.arrayContaining(["A", "B", "C", "E"]));
    expect(argumentsOf("FROM x\nRUN echo ARG F\n# ARG G\n")).toEqual([]);
  });

  it("of the Director's have REFRESH, and a stage runtime", async () => {
    const text = await readFile(join(import.meta.dirname, "../../Dockerfile.director"), "utf8");
    expect(argumentsOf(text)).toContain("REFRESH");
    expect(stagesOf(text)).toContain("runtime");
  });
});
