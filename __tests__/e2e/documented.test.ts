import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { documentedWorkflow } from "../docs/yaml-blocks.ts";
import type { Event, Trial } from "./act.ts";
import { documented } from "./documented.ts";
import { dispatchOf, pullRequestOf, pushOf, scheduleOf } from "./events.ts";
import { passwords } from "./passwords.ts";
import { readIndex, tagsOf } from "./published.ts";
import { startTrials, type Trials } from "./trials.ts";

jest.setTimeout(180_000);

let trials: Trials;
beforeAll(async () => {
  trials = await startTrials();
});
afterAll(() => trials?.close());

/** Commits a documented workflow to the caller's repository; gives that commit. */
const commit = (page: string, name: string, { workspace } = trials) =>
  workspace.commitFile(".github/workflows/documented.yml", documented(page, name));
const start = (event: Event, { variables, ...more }: Partial<Trial> = {}, at = trials) => {
  at.results.forget();
  const reason = { ALLOW_UNTESTED: "a trial of the documentation" };
  return at.run("documented.yml", event, { ...more, variables: { ...reason, ...variables } });
};
/** All the tags with one digest. */
const each = (tags: readonly string[], digest: string | undefined) =>
  Object.fromEntries(tags.map((tag) => [tag, digest]));

describe("What the documentation shows, in another repository", () => {
  it("the ten lines of the README publish a push to main", async () => {
    const lines = documentedWorkflow("README.md", "director image").trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(10);
    const sha = await commit("README.md", "director image");
    const run = await start(pushOf("refs/heads/main", sha));
    expect(run.errors).toEqual([]);
    expect(run.succeeded).toBe(true);
    const digest = run.outputs["assemble"]?.["digest"];
    expect(await tagsOf(trials.image)).toMatchObject({
      main: digest,
      [`sha-${sha.slice(0, 7)}`]: digest,
    });
  });

  it("the README's job with the action as a step publishes a version, and tells its reference", async () => {
    const sha = await commit("README.md", "director image in one job");
    const run = await start(pushOf("refs/tags/v1.2.3", sha));
    expect(run.errors).toEqual([]);
    const digest = run.outputs["image"]?.["digest"];
    expect(run.printed).toContain(`Built ${trials.image}@${digest}`);
    expect(await tagsOf(trials.image)).toMatchObject({
      "1.2.3": digest,
      "1.2": digest,
      latest: digest,
    });
  });

  it.each([
    ["image", "when asked", () => dispatchOf("refs/heads/main", {}), ["main"]],
    [
      "image with a GPU",
      "of a version, its variable being empty,",
      (sha: string) => pushOf("refs/tags/v1.3.0", sha),
      ["1.3.0", "1.3", "latest"],
    ],
  ])("the workflow %s %s publishes", async (name, _, event, tags) => {
    const sha = await commit("docs/usage.md", name);
    const run = await start(event(sha));
    expect(run.errors).toEqual([]);
    expect(run.succeeded).toBe(true);
    expect(await tagsOf(trials.image)).toMatchObject(
      each(tags, run.outputs["assemble"]?.["digest"]),
    );
    expect(run.summaries.join("\n")).toContain("| GPU checks | not run: no gpu-runner |");
  });

  it("the check of a fork's pull request is green and publishes nothing", async () => {
    const before = await tagsOf(trials.image);
    const sha = await commit("docs/usage.md", "check");
    const run = await start(pullRequestOf(sha, { from: "stranger/node", by: "stranger" }));
    expect(run.errors).toEqual([]);
    expect(run.succeeded).toBe(true);
    expect(await tagsOf(trials.image)).toEqual(before);
  });

  it("the monthly rebuild moves monthly and latest, and no version", async () => {
    const before = await tagsOf(trials.image);
    await commit("docs/usage.md", "monthly");
    const run = await start(scheduleOf());
    expect(run.errors).toEqual([]);
    const { monthly, latest, ...others } = await tagsOf(trials.image);
    const digest = run.outputs["assemble"]?.["digest"];
    expect([monthly, latest]).toEqual([digest, digest]);
    expect(before).toMatchObject(others);
  });

  it("the workflow for a platform without a runner of its own publishes both", async () => {
    const sha = await commit("docs/usage.md", "image by emulation");
    const variables = { PLATFORMS: "linux/amd64,linux/arm64" };
    const run = await start(pushOf("refs/heads/main", sha), { variables });
    expect(run.errors).toEqual([]);
    expect(JSON.parse(run.outputs["prepare"]?.["runners"] ?? "")).toEqual(
      each(["linux/amd64", "linux/arm64"], "ubuntu-24.04"),
    );
    const index = await readIndex(`${trials.image}:main`);
    expect(index.map(({ platform }) => platform)).toEqual(["linux/amd64", "linux/arm64"]);
  });
});

describe("What it shows for a registry that asks for a password", () => {
  const { plain, hash } = passwords.one;
  let locked: Trials;
  beforeAll(async () => {
    locked = await startTrials({ htpasswd: `octocat:${hash}` });
  });
  afterAll(() => locked?.close());

  it.each([
    ["image elsewhere", "refs/tags/v1.2.3", ["1.2.3", "1.2", "latest"]],
    ["image on a server of one's own", "refs/heads/main", ["main"]],
  ])("the workflow %s publishes a push to %s", async (name, ref, tags) => {
    const sha = await commit("docs/usage.md", name, locked);
    const more = {
      runners: ["self-hosted", "linux"],
      variables: { REGISTRY_USER: "octocat" },
      secrets: { REGISTRY_PASSWORD: plain, REGISTRY_READ_PASSWORD: plain, GITHUB_TOKEN: plain },
    };
    const run = await start(pushOf(ref, sha), more, locked);
    expect(run.errors).toEqual([]);
    expect(run.succeeded).toBe(true);
    // act numbers the steps without an id.
    const { digest } = run.outputs["assemble"] ?? run.outputs["1"] ?? {};
    expect(await tagsOf(locked.image, `octocat:${plain}`)).toMatchObject(each(tags, digest));
  });
});
