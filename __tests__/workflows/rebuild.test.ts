import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { readWorkflow } from "./workflows.ts";

const run = promisify(execFile);
const { jobs } = readWorkflow("director-image.yml");
const release = jobs["prepare"]?.steps?.find(({ id }) => id === "release");

/** A repository whose default branch, main, has a commit of each of the tags, in their order, and one more. */
let folder: string;
const git = async (...args: readonly string[]) => {
  const who = ["-c", "user.name=Octo", "-c", "user.email=octo@example.com"];
  const { stdout } = await run("git", ["-C", folder, ...who, ...args]);
  return stdout.trim();
};
const commit = (message: string) => git("commit", "--quiet", "--allow-empty", "-m", message);
async function repository(tags: readonly string[]): Promise<void> {
  await git("init", "--quiet", "--initial-branch", "main");
  for (const tag of tags) {
    await commit(tag);
    await git("tag", tag);
  }
  await commit("after the last tag");
}

/** The workflow's own step, by the shell that GitHub takes. */
const step = (ref: string) =>
  run("bash", ["-e", "-c", release?.run ?? "exit 1"], {
    cwd: folder,
    env: {
      ...{ PATH: process.env["PATH"], GITHUB_REF: ref, DEFAULT_BRANCH: "main" },
      GITHUB_OUTPUT: join(folder, "output"),
      GITHUB_STEP_SUMMARY: join(folder, "summary"),
    },
  });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rebuild-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("a rebuild", () => {
  it.each([
    ["by number, not by text", ["v1.10.0", "v1.9.0"], "v1.10.0"],
    ["without a v", ["1.2.3"], "1.2.3"],
    ["whose v was given up", ["v1.9.0", "1.10.0", "v1.2.3"], "1.10.0"],
    ["whose v is new", ["1.9.0", "v1.10.0"], "v1.10.0"],
    ["leaving out what is no release", ["v1.2.3", "v2.0.0-rc.1", "v3", "2026.01.15"], "v1.2.3"],
  ] as const)("takes the newest release, %s", async (_, tags, newest) => {
    await repository(tags);
    await step("refs/heads/main");
    expect(await git("log", "-1", "--format=%s")).toBe(newest);
    expect(await readFile(join(folder, "output"), "utf8")).toMatch(/^month=\d{4}-\d{2}\n$/);
  });

  it("takes the newest release on any branch", async () => {
    await repository(["v1.2.3"]);
    await step("refs/heads/develop");
    expect(await git("log", "-1", "--format=%s")).toBe("v1.2.3");
  });

  it("is of the default branch where there is no release", async () => {
    await repository(["before-all"]);
    await step("refs/heads/main");
    expect(await git("symbolic-ref", "--short", "HEAD")).toBe("main");
  });

  it.each(["refs/heads/develop", "refs/tags/main"])(
    "is refused where there is no release and it would be of %s",
    async (ref) => {
      await repository(["before-all"]);
      const refused = `rebuild: there is no release (a Git tag such as v1.2.3 or 1.2.3), and this run is of ${ref}.`;
      await expect(step(ref)).rejects.toMatchObject({
        code: 1,
        stdout: expect.stringContaining(`::error::${refused} Wanted`),
      });
      const summary = await readFile(join(folder, "summary"), "utf8");
      expect(summary).toContain(`### Failed\n\n${refused}`);
    },
  );

  it("knows the default branch by its event, or by being a schedule, whose event may not name it", () => {
    expect(release?.env).toEqual({
      DEFAULT_BRANCH: `\${{ github.event_name == 'schedule' && github.ref_name || github.event.repository.default_branch }}`,
    });
  });
});

describe("the accepted risks of a rebuild", () => {
  const only = "inputs.rebuild && inputs.scan-policy";

  it.each(["prepare", "build"])("are the event's commit's in the job %s", (id) => {
    const steps = jobs[id]?.steps ?? [];
    const at = steps.findIndex(({ with: given }) => given?.["path"] === ".event");
    expect(steps[at]).toMatchObject({
      if: `${only} != ''`,
      with: { ref: `\${{ github.sha }}`, "persist-credentials": false },
    });
    const reading = steps.findIndex(({ with: given }) => given?.["scan-policy"] !== undefined);
    expect(reading).toBeGreaterThan(at);
    expect(steps[reading]?.with?.["scan-policy"]).toBe(
      `\${{ ${only} && format('.event/{0}', inputs.scan-policy) || inputs.scan-policy }}`,
    );
  });

  it("come when the image is built, so that its context is the release's alone", () => {
    const steps = jobs["build"]?.steps ?? [];
    const at = steps.findIndex(({ with: given }) => given?.["path"] === ".event");
    expect(at).toBeGreaterThan(steps.findIndex(({ with: given }) => given?.["stage"] === "build"));
  });
});
