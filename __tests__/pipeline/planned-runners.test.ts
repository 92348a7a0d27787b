import { describe, expect, it } from "@jest/globals";
import { readEnvironment } from "../../src/config/environment.ts";
import { readConfig } from "../../src/config/read.ts";
import { UsageError } from "../../src/errors.ts";
import { plannedRunners } from "../../src/pipeline/planned-runners.ts";
import { outputsOf } from "../../src/report/outputs.ts";
import { summary } from "../../src/report/summary.ts";
import { digests, results } from "../report/results.ts";

const environment = readEnvironment({ GITHUB_REPOSITORY_OWNER: "nsn" }, "/work");
const planned = (given: Readonly<Record<string, string>>, untrusted?: string) =>
  plannedRunners(
    readConfig((name) => given[name], environment),
    { untrusted },
  );
const both = '{"linux/amd64":"ubuntu-24.04","linux/arm64":["self-hosted","arm"]}';

describe("runners of the jobs", () => {
  it("are those that are named, one a platform", () => {
    expect(planned({ runners: both, "gpu-runner": '["self-hosted","gpu"]' })).toEqual({
      platforms: [
        { platform: "linux/amd64", runner: "ubuntu-24.04" },
        { platform: "linux/arm64", runner: '["self-hosted","arm"]' },
      ],
      gpu: { runner: '["self-hosted","gpu"]' },
      notes: [],
    });
  });

  it("are none where nothing is named, and the plan says why no GPU is looked at", () => {
    const { platforms, gpu } = planned({ platforms: "linux/amd64" });
    expect(platforms).toEqual([{ platform: "linux/amd64", runner: "" }]);
    expect(gpu).toEqual({ runner: "", reason: "no gpu-runner" });
  });

  it.each(["a fork", "Dependabot"])("are GitHub's alone for a pull request by %s", (who) => {
    const { platforms, gpu, notes } = planned({ runners: both, "gpu-runner": "gpu" }, who);
    expect(platforms.map(({ runner }) => runner)).toEqual(["ubuntu-24.04", "ubuntu-24.04-arm"]);
    expect(gpu).toEqual({
      runner: "",
      reason: `a pull request by ${who} never runs on gpu-runner`,
    });
    expect(notes).toEqual([expect.stringContaining("linux/arm64 is built on ubuntu-24.04-arm")]);
  });

  it.each([
    ['{"linux/amd64":"a"}', "runners: linux/arm64 is to be built, and no runner is named for it"],
    ['{"linux":"a"}', 'runners: "linux" is not a platform'],
    ['{"linux/amd64":""}', "runners: linux/amd64"],
    ["ubuntu-24.04", "runners"],
    ["[]", "runners"],
  ])("%s is refused, by name", (runners, message) => {
    expect(() => planned({ runners })).toThrow(UsageError);
    expect(() => planned({ runners })).toThrow(message);
  });

  it.each(["[]", '[""]', "[gpu"])("gpu-runner: %s is refused", (label) => {
    expect(() => planned({ "gpu-runner": label })).toThrow(/^gpu-runner: /);
  });
});

describe("what a plan's runners become", () => {
  const { prepare, ...rest } = results;
  if (prepare === undefined) throw new Error("incomplete");

  it("are outputs that runs-on takes by fromJSON", () => {
    const platforms = planned({ runners: both }).platforms;
    const plan = { ...prepare, platforms, gpu: { runner: '["self-hosted","gpu"]' } };
    expect(outputsOf({ ...rest, prepare: plan }, "")).toMatchObject({
      runners: both,
      "gpu-runner": '["self-hosted","gpu"]',
      image: "ghcr.io/nsn/director",
      push: "true",
      revision: "abc123",
    });
    const one = { ...prepare, gpu: { runner: "gpu" } };
    expect(outputsOf({ ...rest, prepare: one }, "")["gpu-runner"]).toBe('"gpu"');
    expect(outputsOf(results, "")).not.toHaveProperty("runners");
    expect(outputsOf(results, "")).not.toHaveProperty("accept-runner");
  });

  it.each([
    ["the one with a GPU", "linux/arm64", '["self-hosted","gpu"]', '["self-hosted","gpu"]'],
    ["amd64, where that is built", "linux/arm64,linux/amd64", "", '"ubuntu-24.04"'],
    ["arm64, where nothing else is", "linux/arm64", "", '"ubuntu-24.04-arm"'],
  ])("are a runner for the acceptance: %s", (_, platforms, gpu, expected) => {
    const plan = { ...prepare, ...planned({ platforms }), gpu: { runner: gpu } };
    const { notes: _notes, ...own } = plan;
    expect(outputsOf({ ...rest, prepare: own }, "")["accept-runner"]).toBe(expected);
  });

  it("are a row of the summary where nothing had a GPU", () => {
    const plan = { ...prepare, gpu: { runner: "", reason: "no gpu-runner" } };
    const row = "| GPU checks | not run: no gpu-runner |  |  |";
    const looked = (verdict: "passed" | "skipped") => ({
      ...rest,
      prepare: plan,
      accept: [
        {
          ...{ digest: digests.image, platform: "linux/amd64" },
          ...{ target: "container", verdict: "passed" as const },
          checks: [{ name: "gpu", verdict, reason: "no GPU" }],
        },
      ],
    });
    expect(summary(looked("skipped"))).toContain(row);
    expect(summary(looked("passed"))).not.toContain("GPU checks");
    expect(summary(results)).not.toContain("GPU checks");
  });
});
