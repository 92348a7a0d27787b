import { describe, expect, it } from "@jest/globals";
import type { Finding } from "../../src/results/finding.ts";
import { parseAcceptedRisks } from "../../src/trivy/accepted-risks.ts";
import { judge, type Policy } from "../../src/trivy/policy.ts";

const today = "2026-11-24";

function found(more: Partial<Finding> = {}): Finding {
  return {
    kind: "vulnerability",
    id: "CVE-1",
    package: "libc6",
    severity: "CRITICAL",
    installed: "1",
    fixed: "2",
    ...more,
  };
}

function withoutFix(more: Partial<Finding> = {}): Finding {
  const { fixed: _fixed, ...rest } = found(more);
  return rest;
}

function policy(more: Partial<Policy> = {}): Policy {
  return { failOn: "CRITICAL", ignoreUnfixed: false, accepted: [], ...more };
}

function risk(more: Partial<Policy["accepted"][number]> = {}) {
  return { id: "CVE-1", package: "libc6", reason: "not reachable", expires: "2026-12-31", ...more };
}

describe("the verdict", () => {
  it.each<[string, Finding[], Policy, "passed" | "failed", RegExp?]>([
    ["nothing found", [], policy(), "passed"],
    [
      "a critical one",
      [found()],
      policy(),
      "failed",
      /^1 finding of CRITICAL or above: CVE-1 in libc6 \(CRITICAL, fixed in 2\)$/,
    ],
    ["a high one below the limit", [found({ severity: "HIGH" })], policy(), "passed"],
    [
      "a high one at the limit",
      [found({ severity: "HIGH" })],
      policy({ failOn: "HIGH" }),
      "failed",
    ],
    ["a critical one above the limit", [found()], policy({ failOn: "LOW" }), "failed"],
    ["an unknown one", [found({ severity: "UNKNOWN" })], policy({ failOn: "LOW" }), "passed"],
    [
      "an unknown one that counts",
      [found({ severity: "UNKNOWN" })],
      policy({ failOn: "UNKNOWN" }),
      "failed",
    ],
    ["a critical one where none fails", [found()], policy({ failOn: undefined }), "passed"],
    ["an unfixed one", [withoutFix()], policy(), "failed", /no fixed version/],
    ["an unfixed one that is left out", [withoutFix()], policy({ ignoreUnfixed: true }), "passed"],
    [
      "a fixed one where unfixed are left out",
      [found()],
      policy({ ignoreUnfixed: true }),
      "failed",
    ],
    [
      "a secret where unfixed are left out",
      [withoutFix({ kind: "secret", package: "/app/key" })],
      policy({ ignoreUnfixed: true }),
      "failed",
    ],
    [
      "a misconfiguration",
      [withoutFix({ kind: "misconfiguration", id: "DS-1" })],
      policy(),
      "failed",
      /DS-1 in libc6 \(CRITICAL\)$/,
    ],
    ["an accepted one", [found()], policy({ accepted: [risk()] }), "passed"],
    [
      "one accepted until today",
      [found()],
      policy({ accepted: [risk({ expires: today })] }),
      "passed",
    ],
    [
      "one accepted until yesterday",
      [found()],
      policy({ accepted: [risk({ expires: "2026-11-23" })] }),
      "failed",
      /of CRITICAL .*; the accepted risk CVE-1 in libc6 expired on 2026-11-23$/,
    ],
    [
      "an expired entry that nothing needs",
      [],
      policy({ accepted: [risk({ expires: "2026-11-23" })] }),
      "failed",
      /^the accepted risk CVE-1 in libc6 expired/,
    ],
    [
      "an expired entry where none fails",
      [found()],
      policy({ failOn: undefined, accepted: [risk({ expires: "2026-11-23" })] }),
      "passed",
    ],
    [
      "accepted in another package",
      [found()],
      policy({ accepted: [risk({ package: "libc" })] }),
      "failed",
    ],
    [
      "another one accepted in the package",
      [found()],
      policy({ accepted: [risk({ id: "CVE-2" })] }),
      "failed",
    ],
    ["an unused entry", [], policy({ accepted: [risk()] }), "passed"],
    [
      "the same accepted on both platforms",
      [found(), found()],
      policy({ accepted: [risk()] }),
      "passed",
    ],
  ])("%s", (_, findings, given, verdict, reason = /(?:)/) => {
    const judged = judge(findings, given, today);
    expect(judged.verdict).toBe(verdict);
    expect(judged.reason ?? "").toMatch(reason);
    expect(judged.reason === undefined).toBe(verdict === "passed");
  });

  it("says why each finding does not count, and which entries can go", () => {
    const given = policy({ ignoreUnfixed: true, accepted: [risk(), risk({ id: "CVE-9" })] });
    const judged = judge(
      [found(), withoutFix({ id: "CVE-2" }), found({ id: "CVE-3" })],
      given,
      today,
    );
    expect(judged.findings.map(({ accepted }) => accepted)).toEqual([
      "not reachable (until 2026-12-31)",
      "unfixed: there is no version without it yet (ignore-unfixed)",
      undefined,
    ]);
    expect(judged.unused).toEqual([risk({ id: "CVE-9" })]);
    expect(judged.expired).toEqual([]);
  });

  it("names the worst five, and counts the others", () => {
    const findings = Array.from({ length: 7 }, (_, at) =>
      found({ id: `CVE-${at}`, severity: at === 6 ? "CRITICAL" : "HIGH" }),
    );
    const { reason } = judge(findings, policy({ failOn: "HIGH" }), today);
    expect(reason).toMatch(/^7 findings of HIGH or above: CVE-6 in .* CVE-3 in .*, and 2 more$/);
  });
});

describe("the file of accepted risks", () => {
  const all = { id: "CVE-1", package: "libc6", reason: "not reachable", expires: "2026-12-31" };
  const without = (name: keyof typeof all) => {
    const { [name]: _gone, ...rest } = all;
    return rest;
  };

  it("is read as it is written", () => {
    expect(parseAcceptedRisks(JSON.stringify([all]), "risks.json")).toEqual([all]);
    expect(parseAcceptedRisks("[]", "risks.json")).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ["no JSON", "{", /risks\.json: this is not JSON/],
    ["no list", {}, /the document: wanted a list/],
    ["no id", [without("id")], /0\.id/],
    ["no package", [without("package")], /0\.package/],
    ["no reason", [all, without("reason")], /1\.reason/],
    ["no date", [without("expires")], /0\.expires/],
    ["an empty reason", [{ ...all, reason: "  " }], /0\.reason: wanted a text/],
    ["a day that is none", [{ ...all, expires: "2026-02-30" }], /0\.expires: wanted a day/],
    ["a date with a time", [{ ...all, expires: "2026-12-31T00:00:00Z" }], /0\.expires/],
    ["a date of another kind", [{ ...all, expires: "31.12.2026" }], /0\.expires/],
    ["an unknown key", [{ ...all, expire: "2026-12-31" }], /expire/],
    ["an entry twice", [all, { ...all, reason: "again" }], /1: CVE-1 in libc6 is accepted twice/],
  ])("%s is refused by its place", (_, content, says) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    expect(() => parseAcceptedRisks(text, "risks.json")).toThrow(says);
  });
});
