import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { stringify } from "yaml";
import { standInGh } from "../fakes/gh.ts";
import { readWorkflow } from "../workflows/workflows.ts";
import { type Run, runWorkflow } from "./act.ts";
import { pushOf } from "./events.ts";

jest.setTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), "release-by-act-"));
const workspace = join(folder, "work");
const path = process.env["PATH"];
afterAll(() => {
  process.env["PATH"] = path;
  rmSync(folder, { recursive: true });
});

const git = (...args: readonly string[]) =>
  execFileSync("git", args, { cwd: folder, encoding: "utf8" }).trim();
const work = (...args: readonly string[]) => git("-C", "work", ...args);

/**
 * release.yml without what needs more than this machine: the suites and Sigstore's public instance; and without the bundle, which takes a
 * minute and is a check of its own (scripts/test.sh). act 0.2.87 refuses `queue`.
 */
function shortened(): string {
  const { concurrency, jobs, ...workflow } = readWorkflow("release.yml");
  const { check, publish } = jobs;
  const steps = check?.steps?.filter(({ run = "" }) => !run.includes("--only bundle"));
  return stringify({
    ...workflow,
    jobs: { check: { ...check, steps }, publish: { ...publish, needs: ["check"] } },
  });
}

// The action's repository of version 1.2.3, with an origin; a section of the changelog with what a shell could misread.
beforeAll(() => {
  git("init", "--quiet", "--bare", "origin.git");
  git("init", "--quiet", "--initial-branch=main", "work");
  work("config", "user.name", "A Person");
  work("config", "user.email", "person@example.org");
  work("remote", "add", "origin", join(folder, "origin.git"));
  for (const name of ["scripts", "package.json", "package-lock.json", ".github/workflows"])
    cpSync(name, join(workspace, name), { recursive: true });
  symlinkSync(join(process.cwd(), "node_modules"), join(workspace, "node_modules"));
  writeFileSync(
    join(workspace, "CHANGELOG.md"),
    '# Changelog\n\n## 1.2.3 - 2026-11-29\n\n- `$(rm -rf .)` and "quotes"\n\n  stay as they are.\n\n## 1.2.2\n- Before.\n',
  );
  writeFileSync(join(workspace, ".github/workflows/release.yml"), shortened());
  const program = [join("node_modules", ".bin", "node"), join("scripts", "version.ts")] as const;
  execFileSync(program[0], [program[1], "set", "1.2.3"], { cwd: workspace });
  work("add", "--all");
  work("commit", "--quiet", "--message", "Version 1.2.3");
});

/** Pushes a tag and runs the workflow for it. */
async function release(tag: string) {
  work("tag", tag);
  work("push", "--quiet", "origin", "main", tag);
  const gh = standInGh(folder, {
    "auth setup-git": [{}],
    "release view": [{ status: 1, stderr: "release not found\n" }],
    "release create": [{ stdout: "https://github.com/nsn/director-image-action/releases/1\n" }],
    "release edit": [{}],
    "api repos/{owner}/{repo}/releases/tags/": [{ stdout: "true\n" }],
  });
  process.env["PATH"] = `${gh.bin}:${path}`;
  const home = join(folder, tag);
  mkdirSync(home);
  const run: Run = await runWorkflow({
    ...{ workspace, home, workflow: "release.yml", action: process.cwd() },
    event: pushOf(`refs/tags/${tag}`, work("rev-parse", "HEAD")),
    variables: {},
    env: {},
  });
  const tags = git("-C", "origin.git", "tag", "--list").split("\n");
  // act itself asks for a token.
  const calls = gh.calls().filter(({ args }) => args.join(" ") !== "auth token");
  return { run, calls, tags };
}

describe("release.yml by act", () => {
  it("publishes the changelog's section as it is written, and moves v1 and v1.2", async () => {
    const { run, calls, tags } = await release("v1.2.3");
    expect(run.errors).toEqual([]);
    expect(run.succeeded).toBe(true);
    expect(calls.map(({ args }) => args.slice(0, 2).join(" "))).toEqual([
      ...["auth setup-git", "release view", "release create", "release edit"],
      "api repos/{owner}/{repo}/releases/tags/v1.2.3",
    ]);
    expect(calls[2]?.stdin).toBe('- `$(rm -rf .)` and "quotes"\n\n  stay as they are.\n');
    expect(tags).toEqual(["v1", "v1.2", "v1.2.3"]);
  });

  it("publishes nothing for a tag of another version", async () => {
    const { run, calls, tags } = await release("v1.3.0");
    expect(run.succeeded).toBe(false);
    expect(run.printed).toContain("package.json: the version is 1.2.3, wanted 1.3.0");
    expect(calls).toEqual([]);
    expect(tags).toEqual(["v1", "v1.2", "v1.2.3", "v1.3.0"]);
  });
});

it("the shortened workflow leaves out what it says, and nothing else", () => {
  expect(Object.keys(readWorkflow("release.yml").jobs)).toEqual([
    ...["test", "check", "provenance", "publish"],
  ]);
  expect(
    readFileSync(".github/workflows/release.yml", "utf8").match(/--only bundle/g),
  ).toHaveLength(1);
});
