import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { documentedWorkflow } from "../docs/yaml-blocks.ts";
import type { Event, Run } from "./act.ts";
import { documented } from "./documented.ts";
import { pullRequestOf, pushOf, scheduleOf } from "./events.ts";
import { tagsOf } from "./published.ts";
import { startTrials, type Trials } from "./trials.ts";

jest.setTimeout(180_000);

let trials: Trials;
beforeAll(async () => {
  trials = await startTrials();
});
afterAll(() => trials?.close());

const image = () => `${trials.registry.host}/operator/director`;
const errors = (run: Run) => run.commands("error").map(({ arg }) => arg);

/** Commits a documented workflow to the caller's repository; gives that commit. */
const commit = (page: string, name: string) =>
  trials.workspace.commitFile(".github/workflows/documented.yml", documented(page, name));
const start = (event: Event) => {
  trials.results.forget();
  const variables = { ALLOW_UNTESTED: "a trial of the documentation" };
  return trials.run("documented.yml", event, { variables });
};

describe("What the documentation shows, in another repository", () => {
  it("the ten lines of the README publish a push to main", async () => {
    const lines = documentedWorkflow("README.md", "director image").trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(10);
    const sha = await commit("README.md", "director image");
    const run = await start(pushOf("refs/heads/main", sha));
    expect(errors(run)).toEqual([]);
    expect(run.succeeded).toBe(true);
    const digest = run.outputs["assemble"]?.["digest"];
    expect(await tagsOf(image())).toMatchObject({
      main: digest,
      [`sha-${sha.slice(0, 7)}`]: digest,
    });
  });

  it("the README's job with the action as a step publishes a version, and tells its reference", async () => {
    const sha = await commit("README.md", "director image in one job");
    const run = await start(pushOf("refs/tags/v1.2.3", sha));
    expect(errors(run)).toEqual([]);
    const digest = run.outputs["image"]?.["digest"];
    expect(run.printed).toContain(`Built ${image()}@${digest}`);
    expect(await tagsOf(image())).toMatchObject({ "1.2.3": digest, "1.2": digest, latest: digest });
  });

  it("the check of a fork's pull request is green and publishes nothing", async () => {
    const before = await tagsOf(image());
    const sha = await commit("docs/usage.md", "check");
    const run = await start(pullRequestOf(sha, { from: "stranger/node", by: "stranger" }));
    expect(errors(run)).toEqual([]);
    expect(run.succeeded).toBe(true);
    expect(await tagsOf(image())).toEqual(before);
  });

  it("the monthly rebuild moves monthly and latest, and no version", async () => {
    const before = await tagsOf(image());
    await commit("docs/usage.md", "monthly");
    const run = await start(scheduleOf());
    expect(errors(run)).toEqual([]);
    const { monthly, latest, ...others } = await tagsOf(image());
    const digest = run.outputs["assemble"]?.["digest"];
    expect([monthly, latest]).toEqual([digest, digest]);
    expect(before).toMatchObject(others);
  });
});
