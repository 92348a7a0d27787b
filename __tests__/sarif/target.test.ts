import { describe, expect, it } from "@jest/globals";
import { eventFacts } from "../../src/config/facts.ts";
import { targetOf } from "../../src/sarif/target.ts";

const sha = "a".repeat(40);
const head = "b".repeat(40);
const repository = {
  full_name: "nsn/director",
  name: "director",
  html_url: "https://github.com/nsn/director",
};
const pull = (from: string, login = "bob") => ({
  repository,
  pull_request: { head: { repo: { full_name: from } }, user: { login } },
});
const factsOf = (
  eventName: string,
  ref: string,
  event: Parameters<typeof eventFacts>[1] = { repository },
) =>
  eventFacts(
    {
      ...{ eventName, ref, sha, eventPath: undefined, baseRef: undefined },
      repository: "nsn/director",
      serverUrl: "https://github.com",
      action: undefined,
    },
    event,
    0,
  );
const merge = factsOf("pull_request", "refs/pull/7/merge", pull("nsn/director"));

describe("alerts go to", () => {
  it.each([
    ["the branch of a push", factsOf("push", "refs/heads/main"), undefined, "refs/heads/main", sha],
    [
      "a branch whose checkout was moved on",
      factsOf("push", "refs/heads/main"),
      head,
      "refs/heads/main",
      sha,
    ],
    ["the merge of a pull request", merge, sha, "refs/pull/7/merge", sha],
    ["the merge, where the checkout cannot be asked", merge, undefined, "refs/pull/7/merge", sha],
    [
      "the head of a pull request, where that was checked out",
      merge,
      head,
      "refs/pull/7/head",
      head,
    ],
    [
      "the default branch of a schedule",
      factsOf("schedule", "refs/heads/main"),
      sha,
      "refs/heads/main",
      sha,
    ],
    ["a tag", factsOf("push", "refs/tags/v1.2.3"), sha, "refs/tags/v1.2.3", sha],
    ["a release's tag", factsOf("release", "refs/tags/v1.2.3"), sha, "refs/tags/v1.2.3", sha],
    ["a run by hand", factsOf("workflow_dispatch", "refs/heads/a/b"), sha, "refs/heads/a/b", sha],
    [
      "a merge queue",
      factsOf("merge_group", "refs/heads/gh-readonly-queue/main/pr-7-0"),
      sha,
      "refs/heads/gh-readonly-queue/main/pr-7-0",
      sha,
    ],
  ])("%s", (_, facts, checkedOut, ref, commit) => {
    expect(targetOf(facts, checkedOut)).toMatchObject({ repository: "nsn/director", ref, commit });
  });
});

it.each([
  [
    "a fork",
    factsOf("pull_request", "refs/pull/7/merge", pull("eve/director")),
    /pull request of a fork/,
  ],
  [
    "Dependabot",
    factsOf("pull_request", "refs/pull/7/merge", pull("nsn/director", "dependabot[bot]")),
    /pull request of Dependabot/,
  ],
  ["a person's machine", { ...merge, event: "local" }, /no workflow/],
  ["an event of no reference", factsOf("deployment", ""), /GITHUB_REF is ""/],
  ["a reference that is cut short", factsOf("push", "main"), /GITHUB_REF is "main"/],
  ["a commit that is none", { ...merge, sha: "main" }, /"main" is not a commit/],
  ["a repository that is not known", { ...merge, repository: { url: "" } }, /not the address/],
])("nothing is uploaded for %s", (_, facts, why) => {
  expect(targetOf(facts)).toEqual({ why: expect.stringMatching(why), todo: expect.any(String) });
});

it.each([
  ["refs/heads/a/b", "?query=is%3Aopen%20branch%3Aa%2Fb"],
  ["refs/heads/merge", "?query=is%3Aopen%20branch%3Amerge"],
  ["refs/pull/7/merge", "?query=is%3Aopen%20pr%3A7"],
  ["refs/tags/v1", ""],
])("alerts of %s are shown on a page of their own", (ref, query) => {
  expect(targetOf(factsOf("push", ref))).toMatchObject({
    page: `https://github.com/nsn/director/security/code-scanning${query}`,
  });
});
