import { describe, expect, it } from "@jest/globals";
import { type Candidate, refreshed } from "./refreshed.ts";

const given = refreshed();
const only = { "only-changed": "true" };

/** What a scan saw of the published image and of the candidate: another version of one package, and its vulnerability. */
const scans = (before: Candidate, digest = before.image.digest) => {
  const found = (installed: string, id: string) => ({
    installed: [{ package: "libc6", version: installed, ecosystem: "debian" }],
    findings: [
      {
        ...{ kind: "vulnerability" as const, id, package: "libc6", severity: "HIGH" as const },
        installed,
      },
    ],
  });
  return {
    platforms: [{ ...found("2.36-10", "CVE-2") }] as never,
    published: {
      ...{ tag: "latest", digest },
      platforms: [
        { platform: "linux/amd64", digest: before.made.digest, ...found("2.36-9", "CVE-1") },
      ],
    },
  };
};

describe("promote, where only changes are to be published", () => {
  it("moves no tag to an image with the same files of another month, and says since when nothing changed", async () => {
    const before = await given.candidate("1", "2026-11");
    await given.promote(before, {});
    const now = await given.candidate("1", "2026-12");
    expect(now.image.digest).not.toBe(before.image.digest);

    const { result, summary, error } = await given.promote(now, only);

    const since = `latest@${before.image.digest}`;
    expect(error).toBeUndefined();
    expect(result).toMatchObject({
      published: before.image.digest,
      changes: { changed: false, since, why: `nothing changed since ${since}` },
      tags: [{ tag: "latest", moved: false, why: `nothing changed since ${since}` }],
    });
    expect(await given.store.manifestDigest("latest")).toBe(before.image.digest);
    expect(result).not.toHaveProperty("attestations");
    expect(summary).toContain(`Nothing changed since ${since}.`);
    expect(summary).not.toContain("docker pull");
  });

  it("moves the tags to an image with other files, and reports what changed", async () => {
    const before = await given.candidate("1");
    await given.promote(before, {});
    const now = await given.candidate("2", "2026-12");

    const { result, summary, uploaded } = await given.promote(now, only, scans(before));

    expect(result?.tags).toMatchObject([{ tag: "latest", moved: true, why: "newer" }]);
    expect(await given.store.manifestDigest("latest")).toBe(now.image.digest);
    const changes = JSON.parse((await given.read("changes.json")) ?? "{}");
    expect(changes).toEqual(result?.changes);
    expect(changes).toMatchObject({
      changed: true,
      platforms: [
        {
          packages: [{ package: "libc6", from: "2.36-9", to: "2.36-10" }],
          vulnerabilities: { fixed: [{ id: "CVE-1" }], new: [{ id: "CVE-2" }], left: 0 },
          layers: [{ part: "runtime", state: "new" }],
        },
      ],
      notes: [],
    });
    expect(summary).toContain("### Changes");
    expect(summary).toContain("| `libc6` | 2.36-9 | 2.36-10 |");
    expect(await given.read("changes.md")).toContain("## Layers of linux/amd64");
    expect(uploaded).toEqual(
      expect.arrayContaining(
        ["changes.json", "changes.md", "promote.json"].map(
          (name) => `director-image-promote/${name}`,
        ),
      ),
    );
    expect(await given.read("issue.md")).toBeUndefined();
  });

  it("compares no packages with those of an image that the scan did not look at", async () => {
    const before = await given.candidate("1");
    await given.promote(before, {});
    const other = await given.candidate("other");
    const now = await given.candidate("2", "2026-12");
    const { result } = await given.promote(now, only, scans(before, other.image.digest));
    expect(result?.changes?.platforms[0]).not.toHaveProperty("packages");
    expect(result?.changes?.notes).toEqual([
      expect.stringContaining("packages and vulnerabilities of linux/amd64 are not compared"),
    ]);
  });

  it("publishes where nothing was published before", async () => {
    const { result } = await given.promote(await given.candidate("1"), only);
    expect(result).toMatchObject({
      tags: [{ moved: true, why: "first" }],
      changes: {
        changed: true,
        why: "nothing was published under the plan's tags or latest before",
      },
    });
  });

  it("still refuses an image that failed its scan, unchanged or not, with an issue of it", async () => {
    const before = await given.candidate("1");
    await given.promote(before, {});
    const now = await given.candidate("1", "2026-12");
    const { error, summary, uploaded } = await given.promote(now, only, {
      verdict: "failed",
      reason: "1 CRITICAL",
    });
    expect(uploaded).toEqual(["director-image-issue-promote/issue.md"]);
    expect(String(error)).toContain("the scan of linux/amd64 failed (1 CRITICAL)");
    const issue = (await given.read("issue.md")) ?? "";
    expect(issue).toMatch(/^# Refresh 2026-12 of .*\/nsn\/director failed\n/);
    expect(issue).toContain("it stopped in the stage promote");
    expect(summary).toContain("### For an issue");
  });

  it("tells nothing of changes, and asks for nothing, without only-changed", async () => {
    await given.promote(await given.candidate("1"), {});
    const { result, summary } = await given.promote(await given.candidate("2", "2026-12"), {});
    expect(result).not.toHaveProperty("changes");
    expect(summary).not.toContain("### Changes");
    expect(await given.read("changes.md")).toBeUndefined();
  });

  it("leaves an issue to be opened where nothing changed", async () => {
    await given.promote(await given.candidate("1"), {});
    const { summary, uploaded } = await given.promote(await given.candidate("1", "2026-12"), only);
    expect(uploaded).toContain("director-image-promote/issue.md");
    expect(summary).toContain("```markdown\n# Refresh 2026-12 of ");
    expect(await given.read("issue.md")).toContain("nothing is to be done");
  });
});

describe("an issue of a run that failed", () => {
  it("shows neither what programs printed nor a secret", async () => {
    const now = await given.candidate("1");
    const { error, summary } = await given.promote(
      now,
      { ...only, secrets: "token=hunter2" },
      { verdict: "failed", reason: "hunter2 was seen\n  | printed by a program" },
    );
    expect(String(error)).toContain("hunter2");
    const issue = (await given.read("issue.md")) ?? "";
    expect(issue).toContain("*** was seen");
    for (const text of [issue, summary.slice(summary.indexOf("### For an issue"))]) {
      expect(text).not.toContain("hunter2");
      expect(text).not.toContain("printed by");
    }
  });
});
