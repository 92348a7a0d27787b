import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, it, jest } from "@jest/globals";
import { judge } from "./judge.ts";

jest.setTimeout(120_000);

let made: readonly (readonly [what: string, bytes: Buffer, harmless: boolean])[];
beforeAll(() => {
  const lines = execFileSync("python3", [join(import.meta.dirname, "pickles.py")], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    timeout: 60_000,
  });
  made = lines
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [what, bytes, harmless] = JSON.parse(line) as [string, string, boolean];
      return [what, Buffer.from(bytes, "base64"), harmless];
    });
});

describe("pickles that Python writes", () => {
  it.each([
    ["pass where they hold plain data, in the protocols 0 to 5", true],
    ["are refused where they would do more, or are not whole", false],
  ])("%s", (_, harmless) => {
    const some = made.filter(([, , is]) => is === harmless);
    expect(some.length).toBeGreaterThan(harmless ? 70 : 200);
    const wrong = some.flatMap(([what, bytes]) => {
      const verdict = judge(bytes, { piece: 1000 });
      const right = harmless
        ? verdict.verdict === "passed" && verdict.type === "pickle"
        : verdict.verdict === "failed";
      return right ? [] : [{ what, ...verdict }];
    });
    expect(wrong).toEqual([]);
  });
});
