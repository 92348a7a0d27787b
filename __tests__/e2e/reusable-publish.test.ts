import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Event, Run } from "./act.ts";
import { dispatchOf, pushOf, scheduleOf } from "./events.ts";
import { readIndex, tagsOf } from "./published.ts";
import { allArtifacts, startTrials, type Trials } from "./trials.ts";
import { addWeak, weakFiles, weakness } from "./weak.ts";

jest.setTimeout(120_000);

/** What a newer base image makes of the same sources: other bytes, and a weakness. */
const renewed = `FROM scratch AS runtime
${addWeak}
COPY greeting /app/greeting
COPY greeting /app/newer
WORKDIR /app
USER 1000
ENTRYPOINT ["/app/greeting"]
`;

let trials: Trials;
beforeAll(async () => {
  trials = await startTrials();
});
afterAll(() => trials?.close());

const untested = { ALLOW_UNTESTED: "a trial of the workflows" };
/** A run of its own: artifacts are a run's. */
const start = (event: Event, variables = {}) => {
  trials.results.forget();
  return trials.run("docker-director.yml", event, { variables: { ...untested, ...variables } });
};

describe("another repository's push to main", () => {
  let run: Run;
  beforeAll(async () => {
    run = await start(pushOf("refs/heads/main", trials.workspace.commit), {
      PLATFORMS: "linux/amd64,linux/arm64",
    });
  });

  it("runs every stage in a job of its own, and succeeds", () => {
    expect(run.errors).toEqual([]);
    expect(run.succeeded).toBe(true);
    expect(trials.results.artifacts.map(({ name }) => name).sort()).toEqual(allArtifacts);
  });

  it("points the branch's and the commit's tag at what was assembled, and latest at nothing", async () => {
    const digest = run.outputs["assemble"]?.["digest"];
    const sha = `sha-${trials.workspace.commit.slice(0, 7)}`;
    const tags = await tagsOf(trials.image);
    expect(tags).toMatchObject({ main: digest, [sha]: digest });
    expect(tags).not.toHaveProperty("latest");
    const index = await readIndex(`${trials.image}:main`);
    expect(index.map(({ platform }) => platform)).toEqual(["linux/amd64", "linux/arm64"]);
  });

  it("says in a summary that nothing looked at a GPU, and why", () => {
    expect(run.summaries.join("\n")).toContain("| GPU checks | not run: no gpu-runner |");
  });

  it("plans each platform's runner", () => {
    expect(JSON.parse(run.outputs["prepare"]?.["runners"] ?? "")).toEqual({
      "linux/amd64": "ubuntu-24.04",
      "linux/arm64": "ubuntu-24.04-arm",
    });
  });
});

it("a push to develop moves develop, and no other branch's tag", async () => {
  const before = await tagsOf(trials.image);
  const commit = await trials.workspace.commitFile("greeting", "hello from develop\n");
  const run = await start(pushOf("refs/heads/develop", commit));
  expect(run.errors).toEqual([]);
  const tags = await tagsOf(trials.image);
  expect(tags["develop"]).toBe(run.outputs["assemble"]?.["digest"]);
  expect(tags["main"]).toBe(before["main"]);
});

describe("a version and the months after it", () => {
  let released: string | undefined;
  beforeAll(async () => {
    for (const [path, text] of Object.entries({ ...weakFiles, "Dockerfile.renewed": renewed }))
      await trials.workspace.commitFile(path, text);
    const commit = await trials.workspace.commitFile("greeting", "hello from 1.2.3\n");
    await trials.workspace.tag("v1.2.3");
    const run = await start(pushOf("refs/tags/v1.2.3", commit));
    expect(run.errors).toEqual([]);
    released = run.outputs["assemble"]?.["digest"];
  });

  it("the tag v1.2.3 gives the exact, the minor and the latest version", async () => {
    expect(await tagsOf(trials.image)).toMatchObject({
      ...{ "1.2.3": released, "1.2": released, latest: released },
    });
  });

  it("a month without a change publishes nothing new, points its tag at what is published, and says so for an issue", async () => {
    const before = await tagsOf(trials.image);
    await trials.workspace.commitFile("greeting", "hello from a later main\n");
    const run = await start(scheduleOf());
    expect(run.errors).toEqual([]);
    expect(run.succeeded).toBe(true);
    expect(await tagsOf(trials.image)).toEqual({ ...before, monthly: released });
    expect(run.summaries.join("\n")).toContain("### For an issue");
  });

  it("a rebuild that is asked for, with fresh bases and a risk that was accepted since, is of the release's commit, and moves latest and monthly alone", async () => {
    const before = await tagsOf(trials.image);
    const accepted = [{ ...weakness, reason: "a trial of the workflows", expires: "2999-12-31" }];
    await trials.workspace.commitFile("security/risks.json", JSON.stringify(accepted));
    const asked = dispatchOf("refs/heads/main", { rebuild: "true" });
    const fresh = { FILE: "Dockerfile.renewed", SCAN_POLICY: "./security/risks.json" };
    const run = await start(asked, fresh);
    expect(run.errors).toEqual([]);
    const digest = run.outputs["assemble"]?.["digest"];
    expect(digest).not.toBe(released);
    expect(await tagsOf(trials.image)).toEqual({ ...before, latest: digest, monthly: digest });
    expect(run.summaries.join("\n")).toContain("The event's commit is another one");
  });
});

it("an older version that is published late takes its own tag, and none of a newer one's", async () => {
  const before = await tagsOf(trials.image);
  const { workspace } = trials;
  await workspace.checkOut(workspace.commit);
  await workspace.tag("v1.2.2");
  const run = await start(pushOf("refs/tags/v1.2.2", workspace.commit));
  await workspace.checkOut("main");
  expect(run.errors).toEqual([]);
  expect(await tagsOf(trials.image)).toMatchObject({
    ...{ "1.2.2": run.outputs["assemble"]?.["digest"] },
    ...{ "1.2": before["1.2"], latest: before["latest"] },
  });
  expect(run.summaries.join("\n")).toContain("| `1.2` | not moved | held by the newer image");
  expect(run.summaries.join("\n")).toContain("latest is left to v1.2.3");
});

it("a dispatch goes no further than it is told", async () => {
  const before = await tagsOf(trials.image);
  const run = await start(dispatchOf("refs/heads/main", { stage: "models" }));
  expect(run.errors).toEqual([]);
  expect(run.succeeded).toBe(true);
  expect(trials.results.artifacts.map(({ name }) => name).sort()).toEqual([
    ...["director-image-models", "director-image-prepare"],
  ]);
  expect(await tagsOf(trials.image)).toEqual(before);
});
