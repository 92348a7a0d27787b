import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type Answer, standInGh } from "../fakes/gh.ts";

const script = join(import.meta.dirname, "../../scripts/release.sh");
const noRelease: Readonly<Record<string, readonly Answer[]>> = {
  "release view": [{ status: 1, stderr: "release not found\n" }],
  "release create": [{ stdout: "https://github.com/nsn/director-image-action/releases/1\n" }],
  "release edit": [{}],
  "api repos/{owner}/{repo}/releases/tags/": [{ stdout: "true\n" }],
};
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "release-"));
  git("init", "--quiet", "--bare", "origin.git");
  git("init", "--quiet", "--initial-branch=main", "work");
  work("config", "user.name", "A Person");
  work("config", "user.email", "person@example.org");
  work("remote", "add", "origin", join(folder, "origin.git"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const git = (...args: readonly string[]) =>
  execFileSync("git", args, { cwd: folder, encoding: "utf8" }).trim();
const work = (...args: readonly string[]) => git("-C", "work", ...args);

/** A commit with a tag, both at the origin. */
function tagged(tag: string, ...annotation: readonly string[]): string {
  work("commit", "--quiet", "--allow-empty", "--message", tag);
  work("tag", ...annotation, tag);
  work("push", "--quiet", "origin", "HEAD:main", "--force", `refs/tags/${tag}`);
  return work("rev-parse", "HEAD");
}

/** The tags of the origin, each with its commit. */
function tags(): Readonly<Record<string, string>> {
  const lines = git("-C", "origin.git", "for-each-ref", "refs/tags", "--format=%(refname:short)");
  return Object.fromEntries(
    lines
      .split("\n")
      .map((name) => [name, git("-C", "origin.git", "rev-parse", `${name}^{commit}`)]),
  );
}

function release(args: readonly string[], rules = noRelease) {
  const gh = standInGh(folder, rules);
  const { status, stdout, stderr } = spawnSync(script, args, {
    cwd: join(folder, "work"),
    encoding: "utf8",
    input: "What changed.\n",
    env: { ...process.env, PATH: `${gh.bin}:${process.env["PATH"]}` },
  });
  return { status, stdout, stderr, calls: gh.calls() };
}

describe("The release of a tag", () => {
  it("is a draft first, then published, and moves the tags of its major and minor version last", () => {
    const commit = tagged("v1.2.3", "--annotate", "--message=v1.2.3");
    const { status, calls } = release(["v1.2.3"]);
    expect(status).toBe(0);
    expect(calls.map(({ args }) => args.join(" "))).toEqual([
      "release view v1.2.3 --json isDraft --jq .isDraft",
      "release create v1.2.3 --verify-tag --draft --title v1.2.3 --notes-file - --latest=true",
      "release edit v1.2.3 --draft=false --latest=true",
      "api repos/{owner}/{repo}/releases/tags/v1.2.3 --jq .immutable",
    ]);
    expect(calls[1]?.stdin).toBe("What changed.\n");
    expect(tags()).toEqual({ v1: commit, "v1.2": commit, "v1.2.3": commit });
  });

  it("moves nothing where GitHub did not make it immutable, and says what to turn on", () => {
    const commit = tagged("v1.2.3");
    const rules = {
      ...noRelease,
      "api repos/{owner}/{repo}/releases/tags/": [{ stdout: "false\n" }],
    };
    const { status, stderr } = release(["v1.2.3"], rules);
    expect(status).toBe(1);
    expect(stderr).toContain("Enable release immutability");
    expect(tags()).toEqual({ "v1.2.3": commit });
  });

  it("goes on where an earlier try stopped", () => {
    tagged("v1.2.3");
    const drafted = release(["v1.2.3"], { ...noRelease, "release view": [{ stdout: "true\n" }] });
    expect(drafted.calls.map(({ args }) => args[1])).toEqual([
      "view",
      "edit",
      "repos/{owner}/{repo}/releases/tags/v1.2.3",
    ]);
    const published = release(["v1.2.3"], {
      ...noRelease,
      "release view": [{ stdout: "false\n" }],
    });
    expect(published.calls.map(({ args }) => args[0])).toEqual(["release", "api"]);
    expect(published).toMatchObject({
      status: 0,
      stdout: "v1 is there already\nv1.2 is there already\n",
    });
  });

  it("of an older line moves its own minor version alone, and is not the latest", () => {
    const old = tagged("v1.2.3");
    release(["v1.2.3"]);
    const newer = tagged("v1.10.0");
    release(["v1.10.0"]);
    work("checkout", "--quiet", old);
    const fix = tagged("v1.2.4");
    const { stdout, calls } = release(["v1.2.4"]);
    expect(stdout).toContain("v1 stays: v1.10.0 is newer than v1.2.4\n");
    expect(calls.at(-2)?.args).toContain("--latest=false");
    expect(tags()).toMatchObject({ v1: newer, "v1.10": newer, "v1.2": fix });
  });

  it("run again for an older tag moves nothing back", () => {
    const old = tagged("v1.2.3");
    const newer = tagged("v1.2.4");
    release(["v1.2.4"]);
    work("checkout", "--quiet", old);
    expect(release(["v1.2.3"])).toMatchObject({ status: 0 });
    expect(tags()).toMatchObject({ v1: newer, "v1.2": newer });
  });

  it("of a new major version leaves the old one's tag", () => {
    const old = tagged("v1.9.0");
    release(["v1.9.0"]);
    const next = tagged("v2.0.0");
    release(["v2.0.0"]);
    expect(tags()).toMatchObject({ v1: old, "v1.9": old, v2: next, "v2.0": next });
  });

  it("that is a pre-release moves none", () => {
    const commit = tagged("v2.0.0-rc.1");
    const { stdout, calls } = release(["v2.0.0-rc.1"]);
    expect(stdout).toBe(
      "https://github.com/nsn/director-image-action/releases/1\nv2.0.0-rc.1 is a pre-release: no tag is moved\n",
    );
    expect(calls[1]?.args.slice(-2)).toEqual(["--latest=false", "--prerelease"]);
    expect(tags()).toEqual({ "v2.0.0-rc.1": commit });
  });

  it("refuses a tag that was moved after it was checked", () => {
    const checked = tagged("v1.2.3");
    tagged("v1.2.4");
    work("push", "--quiet", "--force", "origin", "HEAD:refs/tags/v1.2.3");
    work("checkout", "--quiet", checked);
    const { status, stderr, calls } = release(["v1.2.3"]);
    expect([status, calls]).toEqual([1, []]);
    expect(stderr).toContain(`what was checked is ${checked}: the tag was moved`);
  });

  it("refuses a tag that the origin does not have", () => {
    tagged("v1.2.3");
    expect(release(["v1.2.5"])).toMatchObject({
      status: 1,
      stderr: "error: origin has no tag v1.2.5: git push origin v1.2.5\n",
      calls: [],
    });
  });

  it("makes no release with --tags-only", () => {
    const commit = tagged("v0.3.0");
    expect(release(["v0.3.0", "--tags-only"])).toMatchObject({ status: 0, calls: [] });
    expect(tags()).toEqual({ v0: commit, "v0.3": commit, "v0.3.0": commit });
  });

  it.each([["1.2.3"], ["v1.2"], ["v01.2.3"], ["v1.2.3;x"], ["--force"], [""]])(
    "refuses %j, which is no version's tag",
    (tag) => {
      expect(release([tag])).toMatchObject({ status: 2, calls: [] });
    },
  );
});
