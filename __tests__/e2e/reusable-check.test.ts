import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { formatLock } from "../../src/models/lock-text.ts";
import { answer } from "../fakes/faults.ts";
import { type FakeRegistry, startRegistry } from "../fakes/registry.ts";
import type { Event, Run } from "./act.ts";
import { pullRequestOf } from "./events.ts";
import { snapshot, startTrials, type Trials } from "./trials.ts";

jest.setTimeout(120_000);

let trials: Trials;
beforeAll(async () => {
  trials = await startTrials();
});
afterAll(() => trials?.close());

const start = (event: Event, variables = {}, runners: readonly string[] = []) => {
  trials.results.forget();
  return trials.run("docker-director.yml", event, { variables, runners });
};

describe("a pull request of the repository", () => {
  let run: Run;
  let before: readonly string[];
  beforeAll(async () => {
    before = await snapshot(trials.registry.data);
    run = await start(pullRequestOf(trials.workspace.commit));
  });

  it("is built, scanned and assembled", () => {
    expect(run.errors).toEqual([]);
    expect(run.succeeded).toBe(true);
    expect(JSON.parse(run.outputs["scan"]?.["scan"] ?? "")).toMatchObject({ verdict: "passed" });
    expect(run.outputs["assemble"]?.["ref"]).toMatch(/^oci:director-image@sha256:/);
    expect(run.jobs.toSorted()).toEqual(["accept", "build", "models", "prepare"]);
  });

  it("hands the layout on for some days, and nobody fetches it but who assembles", () => {
    const kept = trials.results.artifacts.filter(({ expires }) => expires !== undefined);
    expect(kept.map(({ name }) => name)).toEqual(["director-image-build"]);
    const fetched = [...run.printed.matchAll(/Results of earlier jobs: (.*)\./g)].map(
      ([, names = ""]) => names.split(", ").sort().join(" ").replaceAll("director-image-", ""),
    );
    // The models and the build, the scan in the build's own job; the assembly; the acceptance after it.
    expect(fetched.sort()).toEqual([
      "assemble models prepare",
      "build models prepare",
      ...["prepare", "prepare", "prepare"],
    ]);
  });

  it("writes nothing to the registry, and says that it was not meant to", async () => {
    expect(await snapshot(trials.registry.data)).toEqual(before);
    expect(run.summaries.join("\n")).toContain("Nothing was pushed: push is false.");
    expect(run.summaries.join("\n")).toContain("| GPU checks | not run: no gpu-runner |");
  });
});

describe("a stranger's pull request", () => {
  let unreadable: FakeRegistry;
  let commit: string;
  beforeAll(async () => {
    const lock = formatLock(await trials.complete());
    commit = await trials.workspace.commitFile("models.lock.json", lock);
    const owner = { username: "operator", password: "another's" };
    unreadable = await startRegistry({ auth: { scheme: "bearer", ...owner } });
    trials.faults.push({ path: "/nsn/clip-vit-b-32/resolve", does: answer(401) });
  });
  afterAll(async () => {
    trials.faults.splice(0);
    await unreadable.close();
  });

  describe.each([
    ["a fork", { from: "stranger/node" }],
    ["Dependabot", { by: "dependabot[bot]" }],
  ])("by %s", (who, of) => {
    let run: Run;
    beforeAll(async () => {
      const variables = {
        GPU_RUNNER: "gpu",
        ACCEPTANCE: "auto",
        IMAGE: `${unreadable.host}/operator/director`,
      };
      run = await start(pullRequestOf(commit, of), variables, ["gpu"]);
    });

    it("has the same stages, and nothing of it comes to the runner with a GPU", () => {
      expect(run.errors).toEqual([]);
      expect(run.succeeded).toBe(true);
      expect(run.outputs["prepare"]).not.toHaveProperty("gpu-runner");
      expect(JSON.parse(run.outputs["scan"]?.["scan"] ?? "")).toMatchObject({ verdict: "passed" });
      expect(run.jobs.toSorted()).toEqual(["accept", "build", "models", "prepare"]);
    });

    it("says in its summaries what was left out, and why", () => {
      const text = run.summaries.join("\n");
      expect(text).toContain(`Nothing was pushed: a pull request by ${who} may not.`);
      expect(text).toContain(
        `| GPU checks | not run: a pull request by ${who} never runs on gpu-runner |`,
      );
    });

    it("does without the weights of a gated model, and of a package that it may not read", () => {
      const text = run.summaries.join("\n");
      expect(text).toMatch(/\| clip-vit-b-32\/config.json, .* \| gated, not checked \|/);
      expect(text).toMatch(/\| kokoro-82m\/kokoro.safetensors \| .* \| checked \|/);
      expect(text).toContain("1 of them were not checked: the hub wants a token for them (gated)");
      expect(text).toContain(
        "### Acceptance on linux/amd64: skipped\n\nweights not published: 2 layers",
      );
      const warnings = run.commands("warning").map(({ arg }) => arg);
      expect(warnings).toContainEqual(
        expect.stringMatching(/^Not checked: clip-vit-b-32\/.*token/),
      );
      expect(unreadable.requests.length).toBeGreaterThan(0);
    });
  });
});

it("a pull request of the repository goes to the runner with a GPU, and fails where there is none", async () => {
  const run = await start(
    pullRequestOf(trials.workspace.commit),
    { GPU_RUNNER: "gpu", ACCEPTANCE: "auto" },
    ["gpu"],
  );
  expect(JSON.parse(run.outputs["prepare"]?.["gpu-runner"] ?? "")).toBe("gpu");
  expect(run.succeeded).toBe(false);
  expect(run.errors).toEqual([expect.stringMatching(/acceptance of sha256:/)]);
});
