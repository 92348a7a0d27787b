import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

const root = join(import.meta.dirname, "../..");
const workflow = `jobs:
  image:
    steps:
      - uses: nsn/director-image-action@v1.0.0 # of this very version
      - uses: "nsn/director-image-action/.github/workflows/other.yml@v1.0.0"
      - uses: nsn/director-image-action@v1
      - uses: nsn/director-image-action/.github/workflows/other.yml@v1
      - uses: other/director-image-action@v1.0.0
`;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "version-"));
  for (const file of ["package.json", "package-lock.json"])
    cpSync(join(root, file), join(folder, file));
  mkdirSync(join(folder, ".github/workflows"), { recursive: true });
  version("set", "1.0.0");
  writeFileSync(join(folder, ".github/workflows/image.yml"), workflow);
});
afterEach(() => rmSync(folder, { recursive: true }));

function version(...args: readonly string[]) {
  const program = [join(root, "node_modules/.bin/node"), join(root, "scripts/version.ts")];
  const run = spawnSync(program[0] ?? "", [program[1] ?? "", ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

const read = (file: string) => readFileSync(join(folder, file), "utf8");

describe("scripts/version.ts", () => {
  it("prints the version", () => {
    expect(version()).toEqual({ status: 0, out: "1.0.0\n", err: "" });
  });

  it("writes a version into the manifests and into the workflows that name their own, and nowhere else", () => {
    expect(version("set", "1.2.3-rc.1")).toEqual({ status: 0, out: "", err: "" });
    expect(JSON.parse(read("package.json")).version).toBe("1.2.3-rc.1");
    const lock = JSON.parse(read("package-lock.json"));
    expect([lock.version, lock.packages[""].version]).toEqual(["1.2.3-rc.1", "1.2.3-rc.1"]);
    expect(read(".github/workflows/image.yml")).toBe(
      workflow
        .replace("action@v1.0.0 #", "action@v1.2.3-rc.1 #")
        .replace('other.yml@v1.0.0"', 'other.yml@v1.2.3-rc.1"'),
    );
    expect(version("check", "v1.2.3-rc.1").status).toBe(0);
    version("set", "1.0.0");
    expect(read(".github/workflows/image.yml")).toBe(workflow);
  });

  it("leaves the manifests of this repository as npm writes them", () => {
    const known = readFileSync(join(root, "package.json"), "utf8");
    version("set", JSON.parse(known).version);
    for (const file of ["package.json", "package-lock.json"])
      expect(read(file)).toBe(readFileSync(join(root, file), "utf8"));
  });

  it("names each place that has another version than the tag", () => {
    version("set", "1.0.1");
    writeFileSync(join(folder, ".github/workflows/image.yml"), workflow);
    expect(version("check")).toMatchObject({
      status: 1,
      err: expect.stringContaining(
        ".github/workflows/image.yml:4: the version is 1.0.0, wanted 1.0.1\n.github/workflows/image.yml:5: ",
      ),
    });
    const { status, err } = version("check", "v1.1.0");
    expect(status).toBe(1);
    expect(err).toContain("package.json: the version is 1.0.1, wanted 1.1.0\n");
    expect(err).toContain('package-lock.json, packages[""]: the version is 1.0.1, wanted 1.1.0\n');
    expect(err).toContain("npx node scripts/version.ts set");
  });

  it.each([
    [["set", "v1.2.3"]],
    [["set", "1.2"]],
    [["set"]],
    [["check", "1.2.3"]],
    [["check", "v1"]],
    [["check", "v1.0.0", "more"]],
    [["publish"]],
  ])("refuses %j, which changes nothing", (args) => {
    const before = read("package.json");
    expect(version(...args)).toMatchObject({ status: 2, err: expect.stringContaining("usage: ") });
    expect(read("package.json")).toBe(before);
  });
});

it("this repository has one version", () => {
  const run = spawnSync(
    join(root, "node_modules/.bin/node"),
    [join(root, "scripts/version.ts"), "check"],
    { cwd: root, encoding: "utf8" },
  );
  expect(run.stderr).toBe("");
});
