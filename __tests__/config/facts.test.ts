import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { type GithubEnvironment, readEnvironment } from "../../src/config/environment.ts";
import { builtCommit, eventFacts, readFacts, repositoryPage } from "../../src/config/facts.ts";
import { UsageError } from "../../src/errors.ts";
import { exec } from "../../src/host/exec.ts";
import { files } from "../../src/host/files.ts";
import { mayPush } from "../../src/pipeline/prepare.ts";

const github: GithubEnvironment = {
  eventName: "pull_request",
  eventPath: undefined,
  ref: "refs/pull/7/merge",
  sha: "a".repeat(40),
  baseRef: "main",
  repository: "nsn/director",
  serverUrl: "https://github.com",
  action: undefined,
};
const repository = {
  full_name: "nsn/director",
  name: "director",
  default_branch: "trunk",
  html_url: "https://github.com/nsn/director",
  license: { spdx_id: "MIT" },
};
const pull = (from: string | undefined, login = "bob") => ({
  repository,
  pull_request: {
    head: { repo: from === undefined ? null : { full_name: from } },
    user: { login },
  },
});

describe("who may push", () => {
  it.each([
    ["a push", { ...github, eventName: "push" }, { repository }, "auto", true],
    [
      "a push that is told not to",
      { ...github, eventName: "push" },
      { repository },
      "false",
      false,
    ],
    ["a pull request of the repository", github, pull("nsn/director"), "auto", false],
    [
      "a pull request of the repository that is told to",
      github,
      pull("nsn/director"),
      "true",
      true,
    ],
    ["a fork that is told to", github, pull("eve/director"), "true", false],
    ["a fork that was deleted", github, pull(undefined), "true", false],
    ["Dependabot", github, pull("nsn/director", "dependabot[bot]"), "true", false],
    ["a pull request of an unreadable event", github, {}, "true", false],
  ] as const)("%s", (_, environment, event, push, expected) => {
    expect(mayPush({ push }, eventFacts(environment, event, 0)).push).toBe(expected);
  });
});

it("refuses pull_request_target, whoever it is of, and names what to use", () => {
  const target = { ...github, eventName: "pull_request_target", ref: "refs/heads/main" };
  for (const from of ["nsn/director", "eve/director"]) {
    const refused = () => eventFacts(target, pull(from), 0);
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow(
      expect.objectContaining({ todo: expect.stringContaining("on: pull_request`") }),
    );
  }
});

it("takes facts of the repository from the event", () => {
  expect(eventFacts(github, pull("nsn/director"), 5)).toMatchObject({
    defaultBranch: "trunk",
    commitTime: 5,
    repository: { name: "director", license: "MIT" },
  });
});

it("takes the branch of a schedule for the default one where the event does not tell it", () => {
  const schedule = { ...github, eventName: "schedule", ref: "refs/heads/trunk" };
  expect(eventFacts(schedule, {}, 5)).toMatchObject({ defaultBranch: "trunk" });
});

it.each([
  ["https://github.com/nsn/director.git", "https://github.com/nsn/director"],
  ["https://user:secret@github.com/nsn/director", "https://github.com/nsn/director"],
  ["git@github.com:nsn/director.git", "https://github.com/nsn/director"],
  ["ssh://git@github.com:22/nsn/director.git", "https://github.com/nsn/director"],
  ["/srv/git/director", ""],
  ["", ""],
])("the page of the remote %j is %j", (remote, page) => expect(repositoryPage(remote)).toBe(page));

describe("the commit's time, where there is no checkout", () => {
  const messages: string[] = [];
  const facts = (variables: Record<string, string>) =>
    readFacts(readEnvironment(variables, tmpdir()), {
      ...{ exec, files },
      log: { warning: (message) => messages.push(message) },
    });

  it("is 1970, and that is said", async () => {
    expect(await facts({})).toMatchObject({ commitTime: 0, sha: "" });
    expect(messages).toEqual([expect.stringMatching(/is no checkout .*SOURCE_DATE_EPOCH/)]);
  });

  it("is SOURCE_DATE_EPOCH where that is set", async () => {
    messages.length = 0;
    expect(await facts({ SOURCE_DATE_EPOCH: "1700000000" })).toMatchObject({
      commitTime: 1_700_000_000,
    });
    expect(messages).toEqual([]);
  });
});

it("says which commit is checked out where it is not the event's, and which Git tags there are where one is built", async () => {
  const folder = await mkdtemp(join(tmpdir(), "facts-"));
  try {
    const git = async (...args: readonly string[]) =>
      (
        await exec("git", [
          ...["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.example"],
          ...args,
        ])
      ).stdout.trim();
    await git("init", "--quiet");
    await git("commit", "--quiet", "--allow-empty", "--message", "first");
    const head = await git("rev-parse", "HEAD");
    const read = (sha: string, ref = "refs/heads/main") =>
      readFacts(
        readEnvironment(
          {
            ...{ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "schedule" },
            ...{ GITHUB_SHA: sha, GITHUB_REF: ref },
          },
          folder,
        ),
        { exec, files, log: { warning: () => undefined } },
      );
    const rebuilt = await read("a".repeat(40));
    expect(rebuilt).toMatchObject({ sha: "a".repeat(40), checkedOut: head });
    expect(builtCommit(rebuilt)).toBe(head);
    const plain = await read(head);
    expect(plain.checkedOut).toBeUndefined();
    expect(builtCommit(plain)).toBe(head);
    await git("tag", "v1.2.3");
    await git("tag", "v1.3.0");
    expect(await read(head)).not.toHaveProperty("gitTags");
    expect((await read(head, "refs/tags/v1.2.3")).gitTags).toEqual(["v1.2.3", "v1.3.0"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
