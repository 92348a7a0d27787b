import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { service } from "../fakes/service.ts";
import type { Event, Trial } from "./act.ts";
import { caller } from "./caller.ts";
import { dispatchOf, pullRequestOf, pushOf } from "./events.ts";
import { passwords } from "./passwords.ts";
import { tagsOf } from "./published.ts";
import { startTrials, type Trials } from "./trials.ts";

jest.setTimeout(120_000);

const { one, other } = passwords;
const account = `operator:${one.hash}`;

/** Healthy for ten seconds, so that an acceptance comes to its GPU, and soon to its end. */
const healthy = `FROM base AS runtime
COPY greeting /www/health
WORKDIR /www
USER 1000
ENTRYPOINT ["timeout", "10", "python3", "-m", "http.server", "9100"]
`;

let trials: Trials;
beforeAll(async () => {
  trials = await startTrials({ htpasswd: account });
  const text = caller(
    {
      "registry-username": "operator",
      "registry-read-username": "reader",
      "build-contexts": `base=docker-image://${service("TEST_BASES")}/base:bookworm`,
    },
    {
      "registry-password": `\${{ vars.PASSWORD }}`,
      "registry-read-password": `\${{ vars.READ_PASSWORD }}`,
    },
  );
  await writeFile(join(trials.workspace.folder, ".github", "workflows", "private.yml"), text);
});
afterAll(() => trials?.close());

const start = (event: Event, variables = {}, more: Partial<Trial> = {}) => {
  trials.results.forget();
  return trials.run("private.yml", event, {
    ...more,
    variables: { ALLOW_UNTESTED: "a trial of the workflows", PASSWORD: one.plain, ...variables },
  });
};
const push = () => pushOf("refs/heads/main", trials.workspace.commit);

describe("a registry that asks for a password", () => {
  it("gets it from every job that writes, and it is shown nowhere", async () => {
    const run = await start(push());
    expect(run.errors).toEqual([]);
    expect(run.succeeded).toBe(true);
    expect(run.outputs["promote"]?.["ref"]).toMatch(/@sha256:/);
    expect(run.printed).not.toContain(one.plain);
    expect(run.summaries.join("\n")).not.toContain(one.plain);
  });

  it("and gets a wrong one: the summary says so, and the run ends there", async () => {
    const run = await start(push(), { PASSWORD: "another" });
    expect(run.succeeded).toBe(false);
    expect(run.summaries.join("\n")).toMatch(/### Failed[\s\S]*Log in first/);
    expect(run.outputs["promote"]).toBeUndefined();
  });
});

it("a runner with a GPU gets the password that can read, and no tag moves where it has no card", async () => {
  const tags = () => tagsOf(trials.image, `operator:${one.plain}`);
  const before = await tags();
  const commit = await trials.workspace.commitFile("Dockerfile.healthy", healthy);
  let isAccepting = false;
  const run = await start(
    pushOf("refs/heads/main", commit),
    {
      ...{ GPU_RUNNER: "gpu", ACCEPTANCE: "auto", FILE: "Dockerfile.healthy" },
      READ_PASSWORD: other.plain,
    },
    {
      runners: ["gpu"],
      // htpasswd knows no rights: the password that can write is good for nothing from here on.
      onEntry: ({ jobID }) => {
        if (jobID !== "accept" || isAccepting) return;
        isAccepting = true;
        void trials.registry.letIn(`reader:${other.hash}`);
      },
    },
  );
  await trials.registry.letIn(account);
  expect(run.errors).toEqual([
    expect.stringMatching(
      /^The acceptance of sha256:\w+ failed\. .*gpu: this machine has no GPU: /s,
    ),
  ]);
  expect(run.summaries.at(-1)).toMatch(/### Acceptance[\s\S]*this machine has no GPU/);
  expect(run.jobs.toSorted()).toEqual(["accept", "assemble", "build", "models", "prepare"]);
  expect(JSON.parse(run.outputs["prepare"]?.["accept-runner"] ?? "")).toBe("gpu");
  const masked = run.commands("add-mask").filter(({ jobID }) => jobID === "accept");
  expect(masked.map(({ arg }) => arg)).toContain(other.plain);
  expect(masked.map(({ arg }) => arg)).not.toContain(one.plain);
  expect(before).toHaveProperty("main");
  expect(await tags()).toEqual(before);
});

describe("the workflow that publishes", () => {
  it("refuses a stage that it has not, instead of doing nothing in green", async () => {
    const run = await start(dispatchOf("refs/heads/main", { stage: "scam" }));
    expect(run.succeeded).toBe(false);
    expect(run.errors).toEqual([expect.stringContaining("stage: wanted one of all, prepare")]);
    expect(run.summaries.join("\n")).toContain("stage: wanted one of all");
  });

  it("sends a pull request to the one that checks", async () => {
    const { folder, commit } = trials.workspace;
    const text = caller()
      .replace("if: github.event_name != 'pull_request'", "if: true")
      .replace("if: github.event_name == 'pull_request'", "if: false");
    await writeFile(join(folder, ".github", "workflows", "private.yml"), text);
    const run = await start(pullRequestOf(commit));
    expect(run.succeeded).toBe(false);
    expect(run.errors).toEqual([expect.stringContaining("Call director-image-check.yml")]);
    expect(run.outputs["models"]).toBeUndefined();
  });
});
