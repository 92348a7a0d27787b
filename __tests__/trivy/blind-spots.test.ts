import { describe, expect, it } from "@jest/globals";
import { blindSpots } from "../../src/trivy/blind-spots.ts";
import { holdsDataFor } from "../../src/trivy/database-data.ts";
import { analyzerErrors } from "../../src/trivy/look.ts";
import type { Seen } from "../../src/trivy/seen.ts";

const debian = { family: "debian", name: "12.5", endOfLife: false };

function seen(more: Partial<Seen> = {}): Seen {
  return {
    os: debian,
    strangePackages: false,
    osPackages: 100,
    packages: 100,
    installed: [],
    findings: [],
    outdated: [],
    licenses: [],
    ...more,
  };
}

describe("what keeps a scan from being one", () => {
  it.each<[string, Partial<Seen>, number, readonly string[]]>([
    ["a distribution with packages", {}, 10, []],
    [
      "no distribution",
      { os: undefined, osPackages: 0 },
      10,
      ["no-operating-system", "few-packages"],
    ],
    [
      "packages of no known distribution",
      { os: undefined, osPackages: 0, strangePackages: true },
      0,
      ["no-operating-system"],
    ],
    [
      "an image from scratch where no packages are asked for",
      { os: undefined, osPackages: 0 },
      0,
      [],
    ],
    ["as many packages as were asked for", { osPackages: 10 }, 10, []],
    ["one package fewer", { osPackages: 9 }, 10, ["few-packages"]],
    ["packages of languages alone", { osPackages: 0, packages: 200 }, 1, ["few-packages"]],
    ["a distribution without fixes", { os: { ...debian, endOfLife: true } }, 10, ["end-of-life"]],
    ["one that the database does not know", { os: { ...debian, name: "11.1" } }, 10, ["no-data"]],
  ])("%s", (_, more, least, names) => {
    const sight = { seen: seen(more), analyzerErrors: [], buckets: ["debian 12", "vulnerability"] };
    expect(blindSpots(sight, least).map(({ name }) => name)).toEqual(names);
  });

  it("a file that could not be read", () => {
    const sight = { seen: seen(), analyzerErrors: ["analysis error: x"], buckets: ["debian 12"] };
    expect(blindSpots(sight, 10)).toEqual([
      { name: "analyzer-error", reason: "analysis error: x" },
    ]);
  });
});

describe("whether a database knows a distribution", () => {
  const buckets = [
    "alpine 3.19",
    "amazon linux 2023",
    "debian 12",
    "Oracle Linux 8",
    "Red Hat",
    "rocky 9",
    "ubuntu 22.04",
    "wolfi",
  ];
  it.each<[string, string, boolean]>([
    ["alpine", "3.19.1", true],
    ["alpine", "3.1", false],
    ["amazon", "2023.3.20240219 (Amazon Linux)", true],
    ["amazon", "2 (Karoo)", false],
    ["debian", "12.5", true],
    ["debian", "1", false],
    ["debian", "trixie/sid", false],
    ["oracle", "8.9", true],
    ["redhat", "9.3", true],
    ["rocky", "9.3", true],
    ["rocky", "8.3", false],
    ["ubuntu", "22.04", true],
    ["ubuntu", "22.10", false],
    ["wolfi", "20230201", true],
    ["gentoo", "2", false],
  ])("%s %s: %s", (family, name, known) => {
    expect(holdsDataFor({ family, name }, buckets)).toBe(known);
  });
});

it("Trivy's log tells what it could not read", () => {
  const log = [
    '2026-11-24T13:29:55Z\tDEBUG\t[dpkg] Unable to parse the available file\tfile_path="a" err="b"',
    '2026-11-24T13:29:55Z\tDEBUG\t[analyzer] Analysis error\terr="failed to parse rpmdb"',
    '2026-11-24T13:29:55Z\tDEBUG\t[analyzer] Analysis error\terr="failed to parse rpmdb"',
    '2026-11-24T13:29:55Z\tDEBUG\t[analyzer] Permission error\tfile_path="/root/x"',
    '2026-11-24T13:29:55Z\tDEBUG\tImage config analysis error\terr="no history"',
  ].join("\n");
  expect(analyzerErrors(log)).toEqual([
    'analysis error: err="failed to parse rpmdb"',
    'permission error: file_path="/root/x"',
    'image config analysis error: err="no history"',
  ]);
});
