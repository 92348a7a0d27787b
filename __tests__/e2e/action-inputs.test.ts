import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { pushOf } from "./events.ts";
import { tagsOf } from "./published.ts";
import { startTrials, type Trials } from "./trials.ts";

const limit = 60_000;

describe("a step that is told something wrong", () => {
  let trials: Trials;
  beforeAll(async () => {
    trials = await startTrials();
  }, limit);
  afterAll(() => trials.close());

  it.each([
    ["an unknown stage", { STAGE: "biuld" }, ['stage: "biuld"', "promote"]],
    ["an unknown platform", { PLATFORMS: "linux/amd64,vax" }, ["platforms: ", "vax"]],
    ["a lock that is not there", { MODELS: "modles.lock.json" }, ["models: ", "modles.lock.json"]],
    [
      "a Dockerfile that is not there",
      { FILE: "Dockerfile.director.v2" },
      ["file: ", "Dockerfile.director.v2"],
    ],
    ["a stage of a later version", { STAGE: "report" }, ["stage: report is not in this version"]],
  ] as const)(
    "fails with one annotation that names the input: %s",
    async (_what, variables, parts) => {
      const run = await trials.run(
        "wrong-input.yml",
        pushOf("refs/heads/main", trials.workspace.commit),
        { variables: { REASON: "a trial of wrong input", ...variables } },
      );
      expect(run.succeeded).toBe(false);
      const errors = run.errors;
      expect(errors).toHaveLength(1);
      for (const part of parts) expect(errors[0]).toContain(part);
      expect(errors[0]).not.toMatch(/ at .*\.js:/);
      expect(await readdir(trials.registry.data).catch(() => [])).toEqual([]);
      expect(run.result("image", "Post")).toBe("success");
    },
    limit,
  );

  it("publishes nothing that was not tested, unless it is given a reason", async () => {
    const run = await trials.run(
      "wrong-input.yml",
      pushOf("refs/heads/main", trials.workspace.commit),
    );
    expect(run.succeeded).toBe(false);
    expect(run.errors).toEqual([
      expect.stringMatching(/^acceptance is off, so that nothing is published.*allow-untested/s),
    ]);
    expect(await tagsOf(trials.image)).toEqual(
      expect.not.objectContaining({ main: expect.any(String) }),
    );
  }, 60_000);

  it("shows the line of a Dockerfile that fails", async () => {
    const commit = await trials.workspace.commitFile(
      "Dockerfile.broken",
      "FROM scratch AS runtime\nCOPY not-there /\n",
    );
    const run = await trials.run("wrong-input.yml", pushOf("refs/heads/main", commit), {
      variables: { FILE: "Dockerfile.broken", REASON: "a trial of a broken file" },
    });
    expect(run.succeeded).toBe(false);
    const errors = run.commands("error");
    expect(errors.map(({ arg }) => arg)).toEqual([expect.stringContaining("Dockerfile.broken")]);
    expect(errors[0]?.arg).toMatch(/:2|line 2/);
    expect(errors[0]?.arg).toContain("not-there");
  }, 60_000);
});
