import { cp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type Hub, startHub } from "../../examples/miniature/hub.ts";
import type { Run } from "../e2e/act.ts";
import { caller } from "../e2e/caller.ts";
import { pushOf } from "../e2e/events.ts";
import { tagsOf } from "../e2e/published.ts";
import { startTrials, type Trials } from "../e2e/trials.ts";
import { output } from "../integration/workspace.ts";
import { buildTimeout, quick } from "./docker.ts";

const miniature = join("examples", "miniature");

describe("a repository without a Dockerfile of its own, by the reusable workflow", () => {
  let trials: Trials;
  let hub: Hub | undefined;
  let run: Run;

  beforeAll(async () => {
    trials = await startTrials();
    const { folder } = trials.workspace;
    const root = join(folder, "..", "hub");
    await output(join("node_modules", ".bin", "node"), join(miniature, "make.ts"), "--out", root);
    hub = await startHub({ root });
    await rm(join(folder, "Dockerfile.director"));
    await cp(join(miniature, "models.lock.json"), join(folder, "models.lock.json"));
    await writeFile(
      join(folder, ".github", "workflows", "docker-director.yml"),
      caller({ ...(await localInputs()), driver: "docker", "driver-opts": "", ...small }),
    );
    const commit = await trials.workspace.commitFile("README.md", "# A node\n");
    run = await trials.run("docker-director.yml", pushOf("refs/heads/main", commit), {
      variables: { ACCEPTANCE: "required" },
      env: { HF_ENDPOINT: hub.endpoint },
      limit: buildTimeout,
    });
  }, buildTimeout);
  afterAll(async () => {
    await hub?.close();
    await trials?.close();
  });

  it("publishes the reference node after it was started, watched and stopped", async () => {
    expect(run.errors).toEqual([]);
    expect(run.succeeded).toBe(true);
    expect(JSON.parse(run.outputs["accept"]?.["acceptance"] ?? "")).toMatchObject({
      ...{ verdict: "passed", digest: run.outputs["assemble"]?.["digest"] },
    });
    expect((await tagsOf(trials.image))["main"]).toBe(run.outputs["assemble"]?.["digest"]);
  });

  it("says which checks no GPU was there for", () => {
    const text = run.summaries.join("\n");
    expect(text).toContain("| GPU checks | not run: no gpu-runner |");
    expect(text).toContain("Accepted without gpu (");
    expect(text).not.toContain("Published without");
  });
});

/** What two cores have. */
const small = {
  "acceptance-cpus": "2",
  "acceptance-memory": "4g",
  "acceptance-slots": "1",
};

/** What a build needs on a machine that cannot pull the bases, as inputs; without torch. */
async function localInputs(): Promise<Readonly<Record<string, string>>> {
  const script = join("scripts", "setup", "local-build-inputs.sh");
  const lines = (await output(script, "--director-image")).split("\n");
  const after = (flag: string) => lines.filter((_, at) => lines[at - 1] === flag).join("\n");
  return {
    "build-contexts": after("--build-contexts"),
    "secret-files": after("--secret-files"),
    "build-args": quick.filter((arg) => arg !== "--build-arg").join("\n"),
  };
}
