import { describe, expect, it } from "@jest/globals";
import { packageChanges, vulnerabilityChanges } from "../../src/report/package-changes.ts";
import type { Finding } from "../../src/results/finding.ts";

const debian = (text: string) => {
  const [name = "", version = ""] = text.split("=");
  return { package: name, version, ecosystem: "debian" };
};
const found = (id: string, name: string, more: Partial<Finding> = {}): Finding => ({
  ...{ kind: "vulnerability", id, package: name, severity: "HIGH", installed: "1" },
  ...more,
});

describe("packages", () => {
  it.each([
    ["that are the same say nothing", ["a=1"], ["a=1"], []],
    [
      "that came, went and moved are told by name",
      ["b=1", "c=1"],
      ["c=2", "a=1"],
      ["a: → 1", "b: 1 →", "c: 1 → 2"],
    ],
    ["in several versions are told together", ["a=2", "a=1"], ["a=1"], ["a: 1, 2 → 1"]],
    ["in another order are the same", ["a=1", "a=2"], ["a=2", "a=1"], []],
  ])("%s", (_, old, now, expected) => {
    const changes = packageChanges(old.map(debian), now.map(debian));
    expect(
      changes.map(({ package: name, from, to }) =>
        `${name}: ${from ?? ""} → ${to ?? ""}`.replace(/ +/g, " ").trim(),
      ),
    ).toEqual(expected);
  });

  it("of two ecosystems are two packages", () => {
    const now = [debian("a=1"), { ...debian("a=2"), ecosystem: "python-pkg" }];
    expect(packageChanges([debian("a=1")], now)).toEqual([
      { package: "a", ecosystem: "python-pkg", to: "2" },
    ]);
  });
});

describe("vulnerabilities", () => {
  it("that only one image has are fixed or new, the worst first; others are left", () => {
    const old = [
      found("CVE-1", "a"),
      found("CVE-2", "a"),
      found("CVE-2", "b", { severity: "CRITICAL", fixed: "2" }),
    ];
    const now = [found("CVE-1", "a", { installed: "2" }), found("CVE-3", "a")];
    expect(vulnerabilityChanges(old, now)).toEqual({
      fixed: [
        { id: "CVE-2", package: "b", severity: "CRITICAL", installed: "1", fixed: "2" },
        { id: "CVE-2", package: "a", severity: "HIGH", installed: "1" },
      ],
      new: [{ id: "CVE-3", package: "a", severity: "HIGH", installed: "1" }],
      left: 1,
    });
  });

  it("are not misconfigurations or secrets", () => {
    expect(vulnerabilityChanges([found("DS-1", "a", { kind: "misconfiguration" })], [])).toEqual({
      ...{ fixed: [], new: [], left: 0 },
    });
  });
});
