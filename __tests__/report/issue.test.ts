import { describe, expect, it } from "@jest/globals";
import { fenced, issueText } from "../../src/report/issue.ts";
import type { Results } from "../../src/results/stages.ts";
import { digests, results } from "./results.ts";

const url = "https://github.com/nsn/director/actions/runs/7";
const quiet = { changed: false, platforms: [], gone: [], notes: [] };
const why = `nothing changed since latest@${digests.image}`;
const refresh: Results = {
  ...results,
  prepare: results.prepare && {
    ...results.prepare,
    source: { ...results.prepare.source, refresh: "2026-11" },
  },
};
const unchanged: Results = {
  ...refresh,
  promote: { digest: digests.image, tags: [], changes: { ...quiet, why } },
};

describe("an issue of a refresh", () => {
  it("that changed nothing says so, since when, and that nothing is to be done", () => {
    const text = issueText(unchanged, { url, stage: undefined, failure: undefined });
    expect(text).toMatch(/^# Refresh 2026-11 of ghcr.io\/nsn\/director: nothing changed\n/);
    expect(text).toContain("**Tried**: a rebuild of commit `abc123`");
    expect(text).toContain(`([the run](${url}))`);
    expect(text).toContain(`**Seen**: ${why}; no tag was moved.`);
    expect(text).toContain("**Next**: nothing is to be done");
  });

  it("that changed nothing names the tags that went to what is published", () => {
    const tags = [
      { tag: "monthly", to: digests.image, moved: true, why: "newer" },
      { tag: "latest", to: digests.image, moved: false, why },
    ];
    const promote = { digest: digests.image, tags, changes: { ...quiet, why } };
    const text = issueText({ ...refresh, promote }, { url, stage: undefined, failure: undefined });
    expect(text).toContain(`**Seen**: ${why}; to what is published went \`monthly\`.`);
  });

  it("that failed says after what, and quotes why", () => {
    const { assemble: _assemble, promote: _promote, ...early } = refresh;
    const failure = "The scan failed. <b>.\n  Update it.";
    const text = issueText(early, { url: undefined, stage: undefined, failure });
    expect(text).toMatch(/^# Refresh 2026-11 of ghcr.io\/nsn\/director failed\n/);
    expect(text).toContain("it stopped after prepare, models, build.");
    expect(text).toContain("> The scan failed. &lt;b>.\n>   Update it.");
  });

  it("that failed in a job of its own names its stage", () => {
    expect(issueText(refresh, { url, stage: "scan", failure: "no" })).toContain(
      "it stopped in the stage scan.",
    );
  });

  it("whose scan failed says what to do about findings", () => {
    const scan = [{ verdict: "failed" as const, platforms: [] }];
    const text = issueText({ ...refresh, scan }, { url, stage: undefined, failure: "no" });
    expect(text).toContain("`scan-policy`");
  });

  it.each<[string, Results]>([
    [
      "that published",
      {
        ...refresh,
        promote: {
          ...unchanged.promote,
          changes: { ...quiet, why, changed: true },
        } as Results["promote"],
      },
    ],
    ["that compared nothing", refresh],
  ])("%s is none", (_, given) => {
    expect(issueText(given, { url, stage: undefined, failure: undefined })).toBeUndefined();
  });

  it("is fenced by more ticks than are in it", () => {
    expect(fenced("a\n```sh\nb\n```\n")).toBe("````markdown\na\n```sh\nb\n```\n````");
    expect(fenced("a `b`")).toBe("```markdown\na `b`\n```");
  });
});
