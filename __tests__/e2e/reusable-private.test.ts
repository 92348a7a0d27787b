import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Run } from "./act.ts";
import { caller } from "./caller.ts";
import { dispatchOf, pullRequestOf, pushOf } from "./events.ts";
import { startTrials, type Trials } from "./trials.ts";

jest.setTimeout(120_000);

const password = "geheim-7c1e";
/** The password's bcrypt hash. */
const account = "operator:$2b$05$ZlwtmGR78.A4zfjAYBEJUuMSaOSoUjoZDI/hLho0d7dfyxW/SKnie\n";

let trials: Trials;
beforeAll(async () => {
  trials = await startTrials({ htpasswd: account });
  const text = caller(
    { "registry-username": "operator" },
    { "registry-password": `\${{ vars.PASSWORD }}` },
  );
  await writeFile(join(trials.workspace.folder, ".github", "workflows", "private.yml"), text);
});
afterAll(() => trials?.close());

const errors = (run: Run) => run.commands("error").map(({ arg }) => arg);
const start = (event: Parameters<Trials["run"]>[1], variables = {}) => {
  trials.results.forget();
  return trials.run("private.yml", event, {
    variables: { ALLOW_UNTESTED: "a trial of the workflows", PASSWORD: password, ...variables },
  });
};
const push = () => pushOf("refs/heads/main", trials.workspace.commit);

describe("a registry that asks for a password", () => {
  it("gets it from every job that writes, and it is shown nowhere", async () => {
    const run = await start(push());
    expect(errors(run)).toEqual([]);
    expect(run.succeeded).toBe(true);
    expect(run.outputs["promote"]?.["ref"]).toMatch(/@sha256:/);
    expect(run.printed).not.toContain(password);
    expect(run.summaries.join("\n")).not.toContain(password);
  });

  it("and gets a wrong one: the summary says so, and the run ends there", async () => {
    const run = await start(push(), { PASSWORD: "another" });
    expect(run.succeeded).toBe(false);
    expect(run.summaries.join("\n")).toMatch(/### Failed[\s\S]*Log in first/);
    expect(run.outputs["promote"]).toBeUndefined();
  });
});

describe("the workflow that publishes", () => {
  it("refuses a stage that it has not, instead of doing nothing in green", async () => {
    const run = await start(dispatchOf("refs/heads/main", { stage: "scam" }));
    expect(run.succeeded).toBe(false);
    expect(errors(run)).toEqual([expect.stringContaining("stage: wanted one of all, prepare")]);
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
    expect(errors(run)).toEqual([expect.stringContaining("Call director-image-check.yml")]);
    expect(run.outputs["models"]).toBeUndefined();
  });
});
