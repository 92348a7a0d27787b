import { describe, expect, it } from "@jest/globals";
import { printable } from "../../src/host/printable.ts";

const none = new Set<string>();

describe("what a log shows", () => {
  it.each([
    ["::set-output name=a::b", ": :set-output name=a::b"],
    ["  ::error::x", "  : :error::x"],
    ["\t::stop-commands::x", "\t: :stop-commands::x"],
    ["one\n::add-mask::x", "one\n: :add-mask::x"],
    ["one\r::warning::x", "one\n: :warning::x"],
    ["one\r\n::group::x", "one\n: :group::x"],
    ["\u001b::error::x", ": :error::x"],
    ["a ##[command]b", "a # #[command]b"],
    ["##\u0000[error]x", "# #[error]x"],
    ["std::vec::Vec", "std::vec::Vec"],
    ["at 12:34::", "at 12:34::"],
    ["\u001b[31mred\u001b[0m\u0007", "[31mred[0m"],
    ["a\u0085b\u009bc", "abc"],
    ["tab\tand\nline", "tab\tand\nline"],
  ])("of %j is %j", (text, shown) => {
    expect(printable(text, none)).toBe(shown);
  });

  it("never has a masked value, also one that the clean-up would put together", () => {
    const secrets = new Set(["hunter2"]);
    expect(printable("a hunter2 b hunter2", secrets)).toBe("a *** b ***");
    expect(printable("hun\u0000ter2", secrets)).not.toContain("hunter2");
  });

  it("never begins a line with a command, whatever stands before it", () => {
    for (const before of [
      "",
      " ",
      "\n",
      "\r",
      "\u00a0",
      "\u2028",
      "\v",
      "\f",
      "\u001b",
      "x\r\n\t ",
    ])
      expect(printable(`${before}::error::x`, none)).not.toMatch(/(^|[\n\r\u2028\u2029])\s*::/);
  });
});
