import { describe, expect, it } from "@jest/globals";
import { jobName, jobPlatforms } from "../../src/pipeline/job.ts";
import { resultName } from "../../src/pipeline/run.ts";
import { results } from "../report/results.ts";

const planOf = (...platforms: readonly string[]) => ({
  ...(results.prepare as NonNullable<typeof results.prepare>),
  platforms: platforms.map((platform) => ({ platform, runner: "" })),
});

describe("a job that builds some of the plan's platforms", () => {
  const plan = planOf("linux/amd64", "linux/arm64", "linux/arm/v7");
  const job = { platforms: ["linux/arm64", "linux/amd64"] };

  it("builds them in the plan's order", () => {
    expect(jobPlatforms(job, plan)).toEqual(["linux/amd64", "linux/arm64"]);
  });

  it("names its result and its layout after the same platforms, however it was asked", () => {
    expect(resultName("build", job, { prepare: plan })).toBe("build-linux-amd64-linux-arm64");
    expect(jobName("runtime", job, plan)).toBe("runtime-linux-amd64-linux-arm64");
  });

  it("names them after nothing where it does all of them, and more than the plan has", () => {
    const all = { platforms: ["linux/arm64", "linux/s390x", "linux/amd64", "linux/arm/v7"] };
    expect(resultName("build", all, { prepare: plan })).toBe("build");
    expect(jobName("runtime", all, plan)).toBe("runtime");
  });

  it("names them after its one platform where it was also asked for one that the plan lacks", () => {
    const other = { platforms: ["linux/s390x", "linux/amd64"] };
    const two = planOf("linux/amd64", "linux/arm64");
    expect(resultName("build", other, { prepare: two })).toBe("build-linux-amd64");
    expect(jobName("runtime", other, two)).toBe("runtime-linux-amd64");
  });

  it("is refused where the plan has none of them", () => {
    expect(() => jobPlatforms({ platforms: ["linux/s390x"] }, plan)).toThrow(
      "platforms: linux/s390x is not among those of the plan (linux/amd64, linux/arm64, linux/arm/v7)",
    );
  });

  it("has a result without platforms from a stage that does not work by platform", () => {
    expect(resultName("assemble", job, { prepare: plan })).toBe("assemble");
  });
});
