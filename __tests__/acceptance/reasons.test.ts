import { describe, expect, it } from "@jest/globals";
import { becauseOf } from "../../src/acceptance/run.ts";

describe("a node that ended by itself", () => {
  it.each([
    ["it ended by itself with exit code 7; it said nothing", true],
    ["it is not healthy", false],
  ])("is not told twice: %s", (reason, told) => {
    const because = becauseOf(["it ended by itself with exit code 7; it said nothing"], reason);
    expect(because).toBe(
      told ? reason : `it ended by itself with exit code 7; it said nothing; ${reason}`,
    );
  });
});
