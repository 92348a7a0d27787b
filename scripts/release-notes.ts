/**
 * Prints the section of CHANGELOG.md of one version: `npx node scripts/release-notes.ts v1.2.3`. A version without a section, or
 * with an empty one, is refused. It reads the checkout that it is started in. Exit 0 done, 1 no notes, 2 wrong usage.
 */
import { readFileSync } from "node:fs";

function end(status: number, line: string): never {
  process.stderr.write(`${line}\n`);
  process.exit(status);
}

/** The text below the heading of a version, without the headings around it; undefined where there is none. */
function section(changelog: string, version: string): string | undefined {
  const lines = changelog.split("\n");
  const begin = lines.findIndex((line) => {
    const [, named] = /^## \[?v?([^\s\]]+)/.exec(line) ?? [];
    return named === version;
  });
  if (begin < 0) return undefined;
  const length = lines.slice(begin + 1).findIndex((line) => line.startsWith("## "));
  return lines.slice(begin + 1, length < 0 ? undefined : begin + 1 + length).join("\n").trim();
}

const [tag, ...rest] = process.argv.slice(2);
if (tag === undefined || rest.length > 0) end(2, "usage: release-notes.ts v1.2.3");
const version = tag.replace(/^v/, "");
const notes = section(readFileSync("CHANGELOG.md", "utf8"), version);
if (notes === undefined)
  end(1, `CHANGELOG.md has no section '## ${version}': rename '## Unreleased' to '## ${version} - YEAR-MONTH-DAY'`);
if (notes === "") end(1, `CHANGELOG.md: the section '## ${version}' is empty: say what changed for users`);
process.stdout.write(`${notes}\n`);
