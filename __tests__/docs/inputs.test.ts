import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { entries } from "../../src/config/entries.ts";
import { readEnvironment } from "../../src/config/environment.ts";
import { type InputName, inputs } from "../../src/config/inputs.ts";
import { withTables } from "../../src/config/inputs-page.ts";
import { readConfig } from "../../src/config/read.ts";
import type { Context } from "../../src/metadata/context.ts";
import { annotationsFor, labelsFor } from "../../src/metadata/labels.ts";
import { tagsFor } from "../../src/metadata/tags.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/inputs.md"), "utf8");

const push: Context = {
  event: "push",
  ref: "refs/heads/main",
  sha: "860c1904a1ce19322e91ac35af1ab07466440c37",
  commitTime: Date.UTC(2026, 0, 2) / 1000,
  now: Date.UTC(2026, 0, 2),
  defaultBranch: "main",
  repository: { name: "director", url: "https://github.com/nsn/director" },
};
const events: Readonly<Record<string, Context>> = {
  "a push to `main`": push,
  "the Git tag `v1.2.3`": { ...push, ref: "refs/tags/v1.2.3" },
  "the pull request 7": { ...push, event: "pull_request", ref: "refs/pull/7/merge" },
  "a schedule": { ...push, event: "schedule" },
};

describe("docs/inputs.md", () => {
  it("has every input once, as the table of inputs says (npx node scripts/inputs-page.ts)", () => {
    expect(withTables(page)).toBe(page);
    for (const name of Object.keys(inputs)) expect(page).toContain(`\n| \`${name}\` | `);
  });

  it("cannot lose an input, or name one that is not there", () => {
    expect(() => withTables(page.replace(" force ", " "))).toThrow(": force.");
    expect(() => withTables(page.replace(" force ", " force speed "))).toThrow(": speed.");
    expect(() => withTables(page.replace(" force ", " force sign "))).toThrow(": sign.");
  });

  const rows = [...page.matchAll(/^\| `(type=.+?)` \| (.+?) \| (.+?) \|$/gm)];
  it.each(rows.map(([, rule = "", on = "", tags = ""]) => [rule, on, tags]))(
    "says what %s makes of %s",
    (rule, on, tags) => {
      const context = events[on];
      if (context === undefined) throw new Error(`no such event: ${on}`);
      const made = tagsFor([rule], [], context).tags;
      expect(made.map((tag) => `\`${tag}\``).join(", ")).toBe(tags);
    },
  );

  it("shows all types of rules", () => {
    const shown = new Set(rows.map(([, rule = ""]) => /^type=(\w+)/.exec(rule)?.[1]));
    expect([...shown].sort()).toEqual(["edge", "match", "raw", "ref", "schedule", "semver", "sha"]);
  });

  it("has examples that the configuration takes", () => {
    const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = ""]) => text);
    expect(examples.length).toBeGreaterThan(5);
    const environment = readEnvironment({ GITHUB_REPOSITORY_OWNER: "nsn" }, "/work");
    for (const example of examples) {
      const given = inputsOf(example);
      expect(Object.keys(given).filter((name) => !(name in inputs))).toEqual([]);
      const config = readConfig((name) => given[name], environment);
      const { tags } = tagsFor(config.tags, config.flavor, push);
      expect(tags.length).toBeGreaterThan(0);
      labelsFor(config.labels, push, undefined);
      annotationsFor(config.annotations, push, undefined);
    }
  });
});

/** The inputs of an example: `name: value`, or `name: |` and indented lines. */
function inputsOf(yaml: string): Partial<Record<InputName, string>> {
  const found = yaml.matchAll(/^([a-z-]+): (?:\|\n((?: {2}.*\n)+)|(.*?)(?: +# .*)?\n)/gm);
  return Object.fromEntries(
    [...found].map(([, name, block, value = ""]) => [name, block?.replace(/^ {2}/gm, "") ?? value]),
  );
}

it("every page that a message or a help text points to is there", () => {
  const sources = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const pages = sources.flatMap((file) => {
    const code = readFileSync(file, "utf8").replace(/^\s*(\/\/|\/?\*).*$/gm, "");
    return [...code.matchAll(/\b(?:docs\/[\w./-]+|[A-Z]+)\.md\b/g)].map(([name]) => name);
  });
  expect(pages).toEqual(expect.arrayContaining(["docs/inputs.md", "CHANGELOG.md"]));
  expect(pages.filter((name) => !existsSync(join(root, name)))).toEqual([]);
});

it("a secret of several lines in the page's example is one entry", () => {
  const text = /^secrets: \|\n((?: {2}.*\n)+)/m.exec(page)?.[1]?.replace(/^ {2}/gm, "") ?? "";
  const given = text.replace(/\$\{\{ secrets\.PEM_KEY \}\}/, "begin\nend");
  expect(entries("secrets", given)[1]).toBe("key=begin\nend");
});
