import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Event, Run } from "./act.ts";
import { jobAgain } from "./caller.ts";
import { pushOf } from "./events.ts";
import { tagsOf } from "./published.ts";
import { startTrials, type Trials } from "./trials.ts";
import { addWeak, weakFiles } from "./weak.ts";

jest.setTimeout(120_000);

/** Dockerfiles beside the one that is well. */
const files: Readonly<Record<string, string>> = {
  "Dockerfile.broken": "FROM scratch AS runtime\nCOPY not-there /\nUSER 1000\n",
  "Dockerfile.weak": `FROM scratch AS runtime
${addWeak}
COPY greeting /app/greeting
USER 1000
ENTRYPOINT ["/app/greeting"]
`,
  ...weakFiles,
};

let trials: Trials;
let commit: string;
beforeAll(async () => {
  trials = await startTrials();
  for (const [path, text] of Object.entries(files))
    commit = await trials.workspace.commitFile(path, text);
});
afterAll(() => trials?.close());

/** A run of its own: artifacts are a run's. */
const start = (event: Event, variables = {}) => {
  trials.results.forget();
  return trials.run("docker-director.yml", event, { variables });
};
/** Tags of images, without those of weights. */
const published = async () =>
  Object.keys(await tagsOf(trials.image))
    .filter((tag) => !tag.startsWith("models-"))
    .sort();
const push = () => pushOf("refs/heads/main", commit);
const untested = { ALLOW_UNTESTED: "a trial of the workflows" };

it.each([
  [
    "a Dockerfile that fails",
    { ...untested, FILE: "Dockerfile.broken" },
    /not-there/,
    ["build", "models", "prepare"],
  ],
  [
    "a critical vulnerability",
    { ...untested, FILE: "Dockerfile.weak" },
    /CVE-2026-1001 in made-up-critical/,
    ["build", "models", "prepare"],
  ],
  [
    "an acceptance that says no",
    { ACCEPTANCE: "required" },
    /^The acceptance of sha256:\w+ failed\. /,
    ["accept", "assemble", "build", "models", "prepare"],
  ],
  [
    "an acceptance that is off, and nobody's word for it,",
    {},
    /^acceptance is off, so that nothing is published\./,
    ["prepare"],
  ],
] as const)("%s moves no tag, and the error says so", async (_, variables, message, jobs) => {
  const run = await start(push(), variables);
  expect(run.succeeded).toBe(false);
  expect(run.errors).toEqual([expect.stringMatching(message)]);
  expect(run.summaries.at(-1)).toContain("### Failed");
  expect(run.jobs.toSorted()).toEqual(jobs);
  expect(await published()).toEqual([]);
});

it("a platform without a runner is refused at once, and the way out is named", async () => {
  const run = await start(push(), { PLATFORMS: "linux/amd64,linux/riscv64" });
  expect(run.errors).toEqual([
    expect.stringMatching(/^runners: linux\/riscv64 is to be built, and no runner is named for it/),
  ]);
  expect(trials.results.artifacts).toEqual([]);
});

describe("a run that is cancelled when it was about to move tags", () => {
  let run: Run;
  beforeAll(async () => {
    trials.results.forget();
    run = await trials.run("docker-director.yml", push(), {
      variables: untested,
      cancelAt: ({ jobID, stage }) => jobID === "promote" && stage === "Main",
    });
  });

  it("moves none", async () => {
    expect(run.succeeded).toBe(false);
    expect(run.outputs["assemble"]?.["digest"]).toMatch(/^sha256:/);
    expect(await published()).toEqual([]);
  });

  it("moves them to what was assembled then, when its last job alone is run again", async () => {
    for (const [name, text] of Object.entries(jobAgain("promote", run.outputs)))
      await writeFile(join(trials.workspace.folder, ".github", "workflows", name), text);
    const again = await trials.run("one-job-again.yml", push(), { variables: untested });
    expect(again.errors).toEqual([]);
    expect(await published()).toEqual(["main", `sha-${commit.slice(0, 7)}`]);
    expect((await tagsOf(trials.image))["main"]).toBe(run.outputs["assemble"]?.["digest"]);
  });
});
