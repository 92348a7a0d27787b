import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Run } from "./act.ts";
import { pullRequestOf, pushOf } from "./events.ts";
import { readIndex, tagsOf } from "./published.ts";
import { allArtifacts, snapshot, startTrials, type Trials } from "./trials.ts";

const limit = 90_000;

describe("each stage in a job of its own", () => {
  let trials: Trials;
  beforeAll(async () => {
    trials = await startTrials();
  }, limit);
  afterAll(() => trials.close());
  const push = () => pushOf("refs/heads/main", trials.workspace.commit);

  describe("on a push", () => {
    let run: Run;
    beforeAll(async () => {
      run = await trials.run("stages.yml", push());
    }, limit);

    it("succeeds", () => {
      expect(run.errors).toEqual([]);
      expect(run.succeeded).toBe(true);
    });

    it("leaves one artifact a stage, and one a platform of the build and of the scan", () => {
      expect(trials.results.artifacts.map(({ name }) => name).sort()).toEqual(allArtifacts);
    });

    it("joins what the two build jobs made", async () => {
      const index = await readIndex(`${trials.image}:main`);
      expect(index.map(({ platform }) => platform)).toEqual(["linux/amd64", "linux/arm64"]);
      expect((await tagsOf(trials.image))["main"]).toBe(run.outputs["assemble"]?.["digest"]);
    });

    it("gives each job's outputs what is known by then", () => {
      const { prepare, models, promote } = run.outputs;
      expect(prepare?.["platforms"]).toBe('["linux/amd64","linux/arm64"]');
      expect(prepare?.["digest"]).toBeUndefined();
      expect(models?.["models-digest"]).toMatch(/^sha256:/);
      expect(promote?.["ref"]).toBe(`${trials.image}@${run.outputs["assemble"]?.["digest"]}`);
    });

    it("writes a summary in each job", () => {
      expect(run.summaries).toHaveLength(9);
    });
  });

  it("takes the place of what an earlier run of the same attempt left", async () => {
    const token = { ACTIONS_RUNTIME_TOKEN: trials.results.token("job", 1) };
    const before = trials.results.artifacts.map(({ id }) => id);
    const run = await trials.run("stages.yml", push(), { env: token });
    expect(run.succeeded).toBe(true);
    const after = trials.results.artifacts;
    expect(after).toHaveLength(9);
    expect(after.filter(({ id }) => before.includes(id))).toEqual([]);
    expect(JSON.parse(run.outputs["promote"]?.["bytes-uploaded"] ?? "")).toMatchObject({
      models: 0,
    });
  }, 90_000);

  it("publishes nothing that its acceptance refuses, and keeps the verdict for whoever asks", async () => {
    const token = { ACTIONS_RUNTIME_TOKEN: trials.results.token("job", 5) };
    const { main } = await tagsOf(trials.image);
    await trials.workspace.commitFile("greeting", "hello again\n");
    trials.results.forget();
    const variables = { ACCEPTANCE: "required" };
    const run = await trials.run("stages.yml", push(), { env: token, variables });
    expect(run.succeeded).toBe(false);
    expect(run.errors).toEqual([
      expect.stringMatching(/^The acceptance of sha256:\w+ failed\. config: .*startup: /s),
    ]);
    expect(trials.results.artifacts.map(({ name }) => name)).toContain("director-image-accept");
    expect(JSON.parse(run.outputs["accept"]?.["acceptance"] ?? "")).toMatchObject({
      ...{ verdict: "failed", platform: "linux/amd64" },
    });
    expect(run.summaries.at(-1)).toMatch(
      /### Acceptance on linux\/amd64: failed[\s\S]*\*\*failed\*\*/,
    );
    expect(run.outputs["promote"]).toBeUndefined();
    expect((await tagsOf(trials.image))["main"]).toBe(main);
  }, 90_000);

  it("carries the runtime from job to job where nothing may be pushed", async () => {
    const before = await snapshot(trials.registry.data);
    const run = await trials.run("stages.yml", pullRequestOf(trials.workspace.commit));
    expect(run.errors).toEqual([]);
    expect(run.succeeded).toBe(true);
    expect(await snapshot(trials.registry.data)).toEqual(before);
    expect(run.outputs["assemble"]?.["ref"]).toMatch(/^oci:director-image@sha256:/);
  }, 90_000);

  it("says which stage is missing where a job comes too early", async () => {
    const token = { ACTIONS_RUNTIME_TOKEN: trials.results.token("job", 9) };
    trials.results.forget();
    const run = await trials.run("one-stage.yml", push(), { env: token });
    expect(run.succeeded).toBe(false);
    expect(run.errors).toEqual([
      expect.stringContaining("The results folder has no prepare.json."),
    ]);
    expect(run.commands("error")[0]?.arg).toContain("Run the stage prepare first");
  }, 90_000);
});
