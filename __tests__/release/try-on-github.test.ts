import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { type Answer, standInGh } from "../fakes/gh.ts";

const root = join(import.meta.dirname, "../..");
const script = join(root, "scripts/try-on-github.sh");
const repo = "me/scratch";
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "try-on-github-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const says = (...lines: readonly string[]): readonly Answer[] =>
  lines.map((line) => ({ stdout: `${line}\n` }));
const refused: Answer = { status: 1, stderr: "gh: Not Found (HTTP 404)\n" };

/** A GitHub on which everything goes as its documentation says. */
const github: Readonly<Record<string, readonly Answer[]>> = {
  "auth status": [{}],
  [`repo view ${repo} --json name`]: [refused],
  "repo create": says("https://github.com/me/scratch"),
  [`repo view ${repo} --json defaultBranchRef`]: says("main"),
  [`api repos/${repo}/contents/`]: [refused],
  [`api --method PUT repos/${repo}/contents/`]: [{}],
  // The newest run, asked before and after each start.
  [`run list --repo ${repo} --workflow try-lacking.yml`]: [{}, ...says("9", "9")],
  [`run list --repo ${repo} --workflow try-publish.yml`]: [
    {},
    ...says("1", "1", "1", "2", "2", "3", "3", "4", "4", "5"),
  ],
  [`run list --repo ${repo} --workflow try-check.yml`]: [{}, ...says("7")],
  "workflow run": [{}],
  "run watch": [{}],
  "run view 9": says("startup_failure"),
  "run view 4 --repo me/scratch --json status": says("in_progress", "waiting"),
  "run view": says("success"),
  [`api repos/${repo}/actions/runs/1/jobs`]: says("ubuntu-24.04-arm"),
  "api users/me/packages/container/try-scratch/versions": says("main sha256-0123 sha-0123"),
  "attestation verify": [{}],
  [`api repos/${repo}/code-scanning/analyses`]: says("2"),
  "api user ": says("42"),
  [`api --method PUT repos/${repo}/environments/try`]: [{}],
  [`api repos/${repo}/actions/runs/4/pending_deployments`]: says("77"),
  [`api --method POST repos/${repo}/actions/runs/4/pending_deployments`]: [{}],
  [`api repos/${repo}/commits/HEAD`]: says("0123456789012345678901234567890123456789"),
  [`api repos/${repo}/git/refs`]: [{}],
  "pr create": says("https://github.com/me/scratch/pull/1"),
  "release list": says("v1.2.3"),
  "api repos/nsn/director-image-action/releases/tags/v1.2.3": says("true"),
  "api repos/nsn/director-image-action/commits/": says("0123"),
  "run list --repo nsn/director-image-action --workflow ci.yml": says("success"),
  "pr list": says("3"),
};

function tryOn(args: readonly string[], rules = github, input = "") {
  const gh = standInGh(folder, rules);
  const run = spawnSync(script, args, {
    encoding: "utf8",
    input,
    env: { ...process.env, PATH: `${gh.bin}:${process.env["PATH"]}`, TRY_ON_GITHUB_PAUSE: "0" },
  });
  const rows = run.stdout
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) => line.split("|").map((cell) => cell.trim()));
  return {
    status: run.status,
    stderr: run.stderr,
    rows: Object.fromEntries(rows.map(([, name = "", verdict, seen]) => [name, [verdict, seen]])),
    calls: gh.calls(),
  };
}

describe("scripts/try-on-github.sh", () => {
  it("says of each row what was seen", () => {
    const { status, rows } = tryOn([repo, "--yes"]);
    expect(Object.values(rows).map(([verdict]) => verdict)).toEqual(
      Array(16).fill("as-documented"),
    );
    expect(rows).toMatchObject({
      permissions: ["as-documented", "startup_failure"],
      arm64: ["as-documented", "ubuntu-24.04-arm"],
      queue: ["as-documented", "success success"],
      environment: ["as-documented", "waiting"],
      "environment, approved": ["as-documented", "success"],
      "pull-request, published": ["as-documented", "main sha256-0123 sha-0123"],
      "release, v1": ["as-documented", "0123"],
    });
    expect(status).toBe(0);
  });

  it("writes workflows that the linters find nothing in", () => {
    const files = tryOn([repo, "--yes", "--only", "ci"])
      .calls.filter(({ args }) => args.some((arg) => arg.includes("/contents/.github/workflows/")))
      .flatMap(({ args }) => {
        const path = args.find((arg) => arg.includes("/contents/"))?.split("/contents/")[1] ?? "";
        const content = args.find((arg) => arg.startsWith("content="))?.slice("content=".length);
        return content === undefined
          ? []
          : [[path, Buffer.from(content, "base64").toString()] as const];
      });
    expect(files.map(([path]) => path)).toEqual([
      ".github/workflows/try-publish.yml",
      ".github/workflows/try-lacking.yml",
      ".github/workflows/try-check.yml",
    ]);
    const repository = join(folder, "repository");
    mkdirSync(join(repository, ".github/workflows"), { recursive: true });
    spawnSync("git", ["init", "--quiet", repository]);
    for (const called of ["director-image.yml", "director-image-check.yml"])
      writeFileSync(
        join(repository, ".github/workflows", called),
        readFileSync(join(root, ".github/workflows", called), "utf8"),
      );
    writeFileSync(
      join(repository, ".github/actionlint.yaml"),
      readFileSync(join(root, ".github/actionlint.yaml"), "utf8"),
    );
    for (const [path, text] of files)
      writeFileSync(
        join(repository, path),
        text.replaceAll(/nsn\/director-image-action(\/\S+)@v1/g, ".$1"),
      );
    const actionlint = spawnSync(join(root, "scripts/setup/go-tool.sh"), ["actionlint"], {
      encoding: "utf8",
    }).stdout.trim();
    const found = spawnSync(actionlint, ["-shellcheck=", "-pyflakes="], {
      cwd: repository,
      encoding: "utf8",
    });
    expect(found.stdout).toBe("");
    const wanted = parse(files[0]?.[1] ?? "").jobs.image.permissions;
    const { "id-token": token, ...lacking } = wanted;
    expect(token).toBe("write");
    expect(parse(files[1]?.[1] ?? "").jobs.image.permissions).toEqual(lacking);
  });

  it("creates nothing where the question is answered no", () => {
    const { status, rows, calls, stderr } = tryOn([repo], github, "n\n");
    expect(status).toBe(4);
    expect(rows).toEqual({});
    expect(stderr).toContain("Create the public repository me/scratch? [y/N] Not done.\n");
    expect(calls.map(({ args }) => args.slice(0, 2).join(" "))).toEqual([
      "auth status",
      "repo view",
    ]);
  });

  it("leaves out a row whose question is answered no, and goes on", () => {
    const { status, rows, calls } = tryOn(
      [repo, "--only", "environment", "--only", "ci"],
      github,
      "y\ny\nn\n",
    );
    expect(status).toBe(0);
    expect(rows).toEqual({
      environment: ["not-tried", "the question was answered no"],
      ci: ["as-documented", "success"],
    });
    expect(calls.some(({ args }) => args.includes("POST"))).toBe(false);
  });

  it("says what differs from the documentation, and ends with 1", () => {
    const { status, rows } = tryOn(
      [repo, "--yes", "--only", "arm64", "--only", "attestation", "--only", "ghcr", "--only", "ci"],
      {
        ...github,
        [`api repos/${repo}/actions/runs/`]: says("ubuntu-24.04"),
        [`api repos/${repo}/actions/runs/1/jobs`]: says("ubuntu-24.04"),
        "attestation verify": [{ status: 1, stderr: "Error: no attestations | found\nat all\n" }],
        "api users/": [refused],
        "api users/me/packages/container/try-scratch/versions": [refused],
        "api orgs/": [refused],
      },
    );
    expect(status).toBe(1);
    expect(rows).toEqual({
      arm64: ["differs", "seen: ubuntu-24.04; documented: ubuntu-24.04-arm"],
      attestation: ["differs", "Error: no attestations / found at all"],
      ghcr: ["differs", "a command failed; what it said is above"],
      ci: ["as-documented", "success"],
    });
  });

  it("takes GitHub's refusal of a workflow before it starts for what it is", () => {
    const said =
      "could not create workflow dispatch event: HTTP 422: The nested job 'promote' is requesting 'id-token: write', but is only allowed 'id-token: none'.";
    const { rows } = tryOn([repo, "--yes", "--only", "permissions"], {
      ...github,
      "workflow run": [{ status: 1, stderr: `${said}\n` }],
    });
    expect(rows).toEqual({ permissions: ["as-documented", said] });
  });

  it.each([
    [["--help"], 0],
    [["--list"], 0],
    [[], 2],
    [["scratch"], 2],
    [["me/scratch;x"], 2],
    [["me/scratch", "--only", "everything"], 2],
    [["nsn/director-image-action", "--yes"], 2],
    [["me/scratch", "--action", "nsn/director-image-action"], 2],
  ])("%j asks GitHub nothing", (args, status) => {
    expect(tryOn(args)).toMatchObject({ status, calls: [] });
  });
});

it("docs/not-tried.md names every row of the script", () => {
  const page = readFileSync(join(root, "docs/not-tried.md"), "utf8");
  const rows = spawnSync(script, ["--list"], { encoding: "utf8" }).stdout.trim().split("\n");
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.filter((row) => !page.includes(`\`${row}\``))).toEqual([]);
});
