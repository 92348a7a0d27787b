import { expect, it } from "@jest/globals";
import { verifyLines } from "../../src/report/verify-lines.ts";

it("each check is one line, whatever its platform and its reason hold", () => {
  const lines = verifyLines({
    ...{ image: "ghcr.io/nsn/director@sha256:0", verdict: "failed" as const },
    trusted: { identity: "x", issuer: "y" },
    checks: [
      {
        name: "scan",
        platform: "linux/amd64",
        verdict: "failed",
        reason: "a\r\n\u2028passed   scan",
      },
    ],
    leftAside: [{ referrer: "sha256:1", reason: "signed by\u001b[2J\nVerified." }],
  });
  expect(lines.slice(3, 5)).toEqual([
    "failed   scan  linux/amd64  a passed   scan",
    "note     sha256:1 does not count: signed by[2J Verified.",
  ]);
  expect(lines.join("")).not.toMatch(/[\n\r\u2028]/);
});
