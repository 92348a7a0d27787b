import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { parse, parseAllDocuments } from "yaml";
import { type Permissions, readWorkflow, type Workflow } from "../workflows/workflows.ts";
import { blocksOf, documentedWorkflow, type YamlBlock, yamlBlocks } from "./yaml-blocks.ts";

jest.setTimeout(300_000); // the first run on a machine builds actionlint

const root = join(import.meta.dirname, "../..");
const reusable = ["director-image.yml", "director-image-check.yml"];
const own = /nsn\/director-image-action(\/\.github\/workflows\/[\w-]+\.yml)?@v[\w.-]+/g;
const blocks = yamlBlocks();
const folder = mkdtempSync(join(tmpdir(), "documented-"));
const workflows = join(folder, ".github/workflows");
const setup = (script: string, program: string) =>
  execFileSync(join(root, "scripts/setup", script), [program], { encoding: "utf8" }).trim();

// A repository with the action and its workflows in it, so that inputs, secrets and outputs of what a block calls are known.
beforeAll(() => {
  mkdirSync(workflows, { recursive: true });
  cpSync(join(root, "action.yml"), join(folder, "action.yml"));
  for (const entry of ["main", "post"]) {
    mkdirSync(join(folder, `dist/${entry}`), { recursive: true });
    writeFileSync(join(folder, `dist/${entry}/index.js`), "");
  }
  for (const name of [
    "actionlint.yaml",
    "zizmor.yml",
    ...reusable.map((file) => `workflows/${file}`),
  ])
    cpSync(join(root, ".github", name), join(folder, ".github", name));
  execFileSync("git", ["init", "--quiet", folder]);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A workflow of a block: itself, or with its steps, or a step with its inputs. */
function asWorkflow({ kind, text }: YamlBlock): string {
  if (kind === "workflow") return text;
  const indented = (spaces: number) => text.trimEnd().replace(/^/gm, " ".repeat(spaces));
  const steps = `      - uses: nsn/director-image-action@v1\n        with:\n${indented(10)}`;
  return `name: inputs
on: workflow_dispatch
permissions: {}
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
${kind === "steps" ? indented(6) : steps}
`;
}

/** What actionlint says about texts, with the action's own files in place of what `uses:` names. */
function actionlint(texts: readonly string[]): string {
  const files = texts.map((text, at) => {
    const file = join(workflows, `block-${at}.yml`);
    writeFileSync(
      file,
      text.replaceAll(own, (_, path = "/") => `.${path}`),
    );
    return file;
  });
  const args = [`-shellcheck=${setup("python-tool.sh", "shellcheck")}`, "-pyflakes=", ...files];
  return spawnSync(setup("go-tool.sh", "actionlint"), args, { cwd: folder, encoding: "utf8" })
    .stdout;
}

function zizmor(texts: readonly string[]) {
  const files = texts.map((text, at) => {
    const file = join(workflows, `block-${at}.yml`);
    writeFileSync(file, text);
    return file;
  });
  return spawnSync(
    setup("python-tool.sh", "zizmor"),
    ["--offline", "--quiet", "--no-progress", "--color=never", "--strict-collection", ...files],
    { cwd: folder, encoding: "utf8" },
  );
}

const checked = blocks.filter(({ kind }) => ["workflow", "steps", "with"].includes(kind));

describe("The YAML in the documentation", () => {
  it("is there, of every kind", () => {
    const pages = checked.filter(({ kind }) => kind === "workflow").map(({ page }) => page);
    expect(new Set(pages)).toEqual(new Set(["README.md", "docs/usage.md"]));
    expect(pages.length).toBeGreaterThanOrEqual(7);
  });

  it("says what it is, where it is no workflow", () => {
    const page = "# Page\n\n```yaml\na: 1\n```\n";
    expect(() => blocksOf("docs/page.md", page)).toThrow("docs/page.md:4: what YAML is this?");
    const declared = page.replace("\n```yaml", "\n<!-- yaml: with -->\n```yaml");
    expect(blocksOf("docs/page.md", declared)).toEqual([
      { page: "docs/page.md", line: 5, kind: "with", text: "a: 1\n" },
    ]);
  });

  it.each(blocks.map((block) => [`${block.page}:${block.line}`, block] as const))(
    "at %s can be read, and has no key twice",
    (_, { text }) => {
      expect(parseAllDocuments(text).flatMap(({ errors }) => errors)).toEqual([]);
    },
  );

  it("has no finding of actionlint, inputs and secrets of what it calls included", () => {
    expect(actionlint(checked.map(asWorkflow))).toBe("");
  });

  it("has no finding of zizmor", () => {
    expect(zizmor(checked.map(asWorkflow))).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("No findings to report."),
    });
  });

  it("would be found out", () => {
    const text = documentedWorkflow("README.md", "director image");
    expect(actionlint([text.replace("hub-token:", "hub-tokens:")])).toContain(
      'secret "hub-tokens" is not defined in "./.github/workflows/director-image.yml"',
    );
    const step = blocks.find(({ kind }) => kind === "with");
    if (step === undefined) throw new Error("no block of inputs");
    expect(actionlint([asWorkflow({ ...step, text: "modelz: a\n" })])).toContain('"modelz"');
    const unpinned = asWorkflow({ ...step, text: "cache: none\n" }).replace(
      "nsn/director-image-action@v1",
      "actions/checkout@v7",
    );
    expect(zizmor([unpinned]).stdout).toContain("unpinned-uses");
  });
});

/** What a caller must grant: for each permission the most that a job asks for. */
function union({ jobs }: Workflow): Permissions {
  const rank = ["none", "read", "write"];
  const asked = Object.values(jobs).flatMap(({ permissions = {} }) => Object.entries(permissions));
  const byRank = asked.toSorted(([, a], [, b]) => rank.indexOf(a) - rank.indexOf(b));
  return Object.fromEntries(byRank);
}

describe.each(reusable)("The permissions that a caller of %s grants", (file) => {
  const wanted = union(readWorkflow(file));

  it("are, in docs/usage.md, those of its jobs together", () => {
    const [block, ...others] = blocks.filter(({ kind }) => kind === `permissions ${file}`);
    expect(others).toEqual([]);
    expect(parse(block?.text ?? "")).toEqual({ permissions: wanted });
  });

  it("are the same in every documented workflow", () => {
    const callers = checked
      .filter(({ kind }) => kind === "workflow")
      .flatMap(({ text }) => Object.values((parse(text) as Workflow).jobs))
      .filter(({ uses }) => uses?.includes(`/${file}@`) === true);
    expect(callers.length).toBeGreaterThan(0);
    for (const { permissions } of callers) expect(permissions).toEqual(wanted);
  });
});
