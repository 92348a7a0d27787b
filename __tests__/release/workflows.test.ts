import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { yamlBlocks } from "../docs/yaml-blocks.ts";
import { readWorkflow, workflowText } from "../workflows/workflows.ts";

const github = join(import.meta.dirname, "../../.github");
const files = readdirSync(join(github, "workflows"));

it.each([
  ["ci.yml", { test: { contents: "read" } }],
  [
    "release.yml",
    {
      test: { contents: "read" },
      check: { contents: "read" },
      provenance: { contents: "read", "id-token": "write", attestations: "write" },
      publish: { contents: "write" },
    },
  ],
])("%s gives each job these permissions and no others", (file, permissions) => {
  expect(readWorkflow(file).permissions).toEqual({});
  expect(
    Object.fromEntries(
      Object.entries(readWorkflow(file).jobs).map(([name, job]) => [name, job.permissions]),
    ),
  ).toEqual(permissions);
});

describe("release.yml", () => {
  it("publishes only after the suites, the bundle, the version and the notes", () => {
    const { check, provenance, publish, test } = readWorkflow("release.yml").jobs;
    expect(test?.uses).toBe("./.github/workflows/ci.yml");
    expect(provenance?.needs).toEqual(["test", "check"]);
    expect(publish?.needs).toEqual(["check", "provenance"]);
    const commands = (check?.steps ?? []).map(({ run = "" }) => run).join("\n");
    for (const command of ["test.sh --only bundle", "version.ts check", "release-notes.ts"])
      expect(commands).toContain(command);
  });

  it("runs nothing from npm in a job that may write", () => {
    const { provenance, publish } = readWorkflow("release.yml").jobs;
    for (const { run = "" } of [...(provenance?.steps ?? []), ...(publish?.steps ?? [])])
      expect(run).not.toMatch(/\b(npm|npx|node|node_modules|test\.sh)\b/);
  });
});

it.each(files)("%s ends each of its jobs in time", (file) => {
  for (const [name, job] of Object.entries(readWorkflow(file).jobs))
    if (job.uses === undefined) expect([name, job["timeout-minutes"]]).not.toContain(undefined);
});

it("has one commit for each action, in the workflows and in the documentation, with its version beside it", () => {
  const texts = [...files.map(workflowText), ...yamlBlocks().map((block) => block.text)];
  const used = texts.flatMap((one) => [...one.matchAll(/uses: (\S+)@(\S+)(.*)/g)]);
  const commits = new Map<string, Set<string>>();
  for (const [, action = "", ref = "", comment = ""] of used) {
    if (action.startsWith("nsn/director-image-action")) continue;
    expect(ref).toMatch(/^[0-9a-f]{40}$/);
    expect(comment).toMatch(/^ # v\d+\.\d+\.\d+$/);
    commits.set(action, (commits.get(action) ?? new Set()).add(ref + comment));
  }
  expect(commits.size).toBeGreaterThanOrEqual(4);
  expect([...commits].filter(([, refs]) => refs.size > 1)).toEqual([]);
});

it("never runs on pull_request_target", () => {
  for (const file of files) expect(workflowText(file)).not.toContain("pull_request_target:");
});

it("asks Dependabot for every kind of dependency, weeks old and together", () => {
  const { updates } = parse(readFileSync(join(github, "dependabot.yml"), "utf8"));
  const kinds = updates.map((update: Readonly<Record<string, string>>) => [
    update["package-ecosystem"],
    update["directory"],
  ]);
  expect(kinds).toEqual([
    ["npm", "/"],
    ["cargo", "/director"],
    ["uv", "/vortex"],
    ["docker", "/"],
    ["github-actions", "/"],
  ]);
  for (const update of updates) {
    expect(update.cooldown["default-days"]).toBeGreaterThanOrEqual(7);
    expect(Object.keys(update.groups)).toHaveLength(1);
  }
});

interface Form {
  readonly name: string;
  readonly description: string;
  readonly body: readonly {
    readonly type: string;
    readonly id?: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
}

// GitHub shows nothing of a form that breaks one of these rules (GitHub's documentation, "Syntax for GitHub's form schema").
describe.each(["bug.yml", "idea.yml"])("the issue form %s", (file) => {
  const form: Form = parse(readFileSync(join(github, "ISSUE_TEMPLATE", file), "utf8"));

  it("has a name, a description, and something to fill in", () => {
    expect(form.name).toMatch(/\S/);
    expect(form.description).toMatch(/\S/);
    expect(form.body.some(({ type }) => type !== "markdown")).toBe(true);
  });

  it("has what each kind of field needs, and no identifier twice", () => {
    const needed: Readonly<Record<string, string>> = {
      markdown: "value",
      input: "label",
      textarea: "label",
      dropdown: "options",
    };
    for (const { type, attributes } of form.body)
      expect(Object.keys(attributes)).toContain(needed[type]);
    const ids = form.body.flatMap(({ id = [] }) => id);
    expect(ids).toHaveLength(form.body.filter(({ type }) => type !== "markdown").length);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

it("vulnerabilities are reported where SECURITY.md says, and never as an issue", () => {
  const config = parse(readFileSync(join(github, "ISSUE_TEMPLATE/config.yml"), "utf8"));
  expect(config.blank_issues_enabled).toBe(false);
  expect(config.contact_links[0].url).toMatch(/\/security\/advisories\/new$/);
});
