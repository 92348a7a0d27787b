import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "@jest/globals";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "notes-"));
afterAll(() => rmSync(folder, { recursive: true }));

writeFileSync(
  join(folder, "CHANGELOG.md"),
  `# Changelog

## Unreleased

### Added
- Something new.

## [1.10.0] - 2026-11-02

### Fixed
- A thing.

### Added
- \`## no heading\` inside a line.

## 1.1.0 - 2026-10-02

## 1.0.0 - 2026-09-01
- The first one.
`,
);

function notes(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    join(root, "node_modules/.bin/node"),
    [join(root, "scripts/release-notes.ts"), ...args],
    { cwd: folder, encoding: "utf8" },
  );
  return { status, stdout, stderr };
}

it("prints the section of a version, up to the next one", () => {
  expect(notes("v1.10.0")).toEqual({
    status: 0,
    stdout: "### Fixed\n- A thing.\n\n### Added\n- `## no heading` inside a line.\n",
    stderr: "",
  });
});

it("prints the last section", () => {
  expect(notes("v1.0.0").stdout).toBe("- The first one.\n");
});

it.each([
  ["v1.1.0", "CHANGELOG.md: the section '## 1.1.0' is empty: say what changed for users\n"],
  ["v1.10", "CHANGELOG.md has no section '## 1.10': rename '## Unreleased'"],
])("refuses %s", (tag, message) => {
  expect(notes(tag)).toMatchObject({
    status: 1,
    stdout: "",
    stderr: expect.stringContaining(message),
  });
});

it("says how it is used", () => {
  expect(notes()).toMatchObject({ status: 2, stderr: "usage: release-notes.ts v1.2.3\n" });
});
