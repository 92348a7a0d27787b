import { describe, expect, it } from "@jest/globals";
import { acceptance, assembly, good, image, policy, problems, signed } from "./judging.ts";

describe("--allow-untested", () => {
  const lenient = { ...policy, allowUntested: true };
  const scanOf = "the scan of linux/amd64";
  const without = (...missing: readonly string[]) =>
    signed({ ...assembly, untested: { reason: "hotfix", missing } });

  it("lets an image pass that says why it was not tested, and shows it", () => {
    const said = {
      ...good,
      ...{ acceptance: [], scan: [], provenance: [without("the acceptance", scanOf)] },
    };
    expect(problems(image, said, lenient)).toEqual([
      "runtime skipped: no scan says which layers it looked at",
      "scan skipped: published untested: hotfix",
      "acceptance skipped: published untested: hotfix",
    ]);
  });

  it("lets none pass that is silent about it, or that failed", () => {
    expect(problems(image, { ...good, acceptance: [] }, lenient)).toEqual([
      "acceptance failed: none that counts is attached",
    ]);
    expect(problems(image, acceptance({ verdict: "failed", reason: "x" }), lenient)).toEqual([
      "acceptance failed: it failed: x",
    ]);
  });

  it.each<[string, readonly string[], readonly string[]]>([
    ["scan", ["the acceptance"], ["runtime failed", "scan failed", "acceptance skipped"]],
    ["acceptance", [scanOf], ["runtime skipped", "scan skipped", "acceptance failed"]],
    [
      "scan of this platform",
      ["the scan of linux/amd64/v3", "the acceptance"],
      ["runtime failed", "scan failed", "acceptance skipped"],
    ],
    [
      "acceptance, whose lack has a reason,",
      [`${scanOf} skipped (off)`],
      ["runtime skipped", "scan skipped", "acceptance failed"],
    ],
  ])("lets none pass without the %s where the lack of %j was signed", (_, missing, verdicts) => {
    const said = { ...good, acceptance: [], scan: [], provenance: [without(...missing)] };
    const found = problems(image, said, lenient).map((line) => line.split(":")[0]);
    expect(found).toEqual(verdicts);
  });
});
