import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Run } from "./act.ts";
import { pullRequestOf, pushOf } from "./events.ts";
import { readIndex, tagsOf } from "./published.ts";
import { builders, leftBehind, snapshot, startTrials, type Trials } from "./trials.ts";

const limit = 60_000;

describe("the whole pipeline in one step of a workflow", () => {
  let trials: Trials;
  beforeAll(async () => {
    trials = await startTrials();
  }, limit);
  afterAll(() => trials.close());

  describe("on a push to a branch", () => {
    let run: Run;
    beforeAll(async () => {
      run = await trials.run("all.yml", pushOf("refs/heads/main", trials.workspace.commit));
    }, limit);

    it("succeeds", () => {
      expect(run.errors).toEqual([]);
      expect(run.succeeded).toBe(true);
    });

    it("moves the tags of the rules, and no other", async () => {
      const { digest } = run.outputs["image"] ?? {};
      expect(await tagsOf(trials.image)).toEqual(
        expect.objectContaining({
          main: digest,
          [`sha-${trials.workspace.commit.slice(0, 7)}`]: digest,
        }),
      );
      const others = Object.keys(await tagsOf(trials.image)).filter(
        (tag) => !/^(main|sha-|models-[0-9a-f]{12}$|buildcache-)/.test(tag),
      );
      expect(others).toEqual([]);
    });

    it("leaves an index of both platforms behind the tags", async () => {
      const index = await readIndex(`${trials.image}:main`);
      expect(index.map(({ platform }) => platform)).toEqual(["linux/amd64", "linux/arm64"]);
      expect(index.map(({ layers }) => layers.length)).toEqual([5, 5]);
    });

    it("gives a later step its outputs", () => {
      const { ref, version, tags, platforms, digest } = run.outputs["image"] ?? {};
      expect(run.printed).toContain(`later: ${trials.image}@${digest}\n`);
      expect({ ref, version, platforms }).toEqual({
        ref: `${trials.image}@${digest}`,
        version: "main",
        platforms: '["linux/amd64","linux/arm64"]',
      });
      expect(tags?.split("\n").sort()).toEqual([
        "main",
        `sha-${trials.workspace.commit.slice(0, 7)}`,
      ]);
    });

    it("says in the summary what was built, what moved, and how to pull it", () => {
      const [summary = ""] = run.summaries;
      const { digest } = run.outputs["image"] ?? {};
      expect(run.summaries).toHaveLength(1);
      for (const part of [
        `## Director image \`${trials.image}\` \`main\``,
        `Digest: \`${digest}\``,
        "### Model layers",
        "kokoro-82m/kokoro.safetensors",
        "uploaded",
        "| linux/arm64 |",
        "| `main` | moved |",
        "Published without",
        `docker pull ${trials.image}:main@${digest}`,
      ])
        expect(summary).toContain(part);
    });

    it("folds what BuildKit says", () => {
      expect(run.commands("group").map(({ arg }) => arg)).toEqual(
        expect.arrayContaining([expect.stringMatching(/^Build linux\/amd64, linux\/arm64/)]),
      );
    });

    it("leaves no builder and no log-in behind", async () => {
      expect(run.result("image", "Post")).toBe("success");
      expect(await builders(trials)).toEqual([]);
      expect(await leftBehind(trials)).toEqual([]);
    });
  });

  it("moves no weights the second time, and no tag", async () => {
    const before = await tagsOf(trials.image);
    const run = await trials.run("all.yml", pushOf("refs/heads/main", trials.workspace.commit));
    expect(run.succeeded).toBe(true);
    expect(JSON.parse(run.outputs["image"]?.["bytes-uploaded"] ?? "")).toMatchObject({
      models: 0,
    });
    // BuildKit writes its cache anew where it likes.
    const images = (tags: object) =>
      Object.entries(tags).filter(([tag]) => !tag.startsWith("buildcache-"));
    expect(images(await tagsOf(trials.image))).toEqual(images(before));
    expect(run.summaries[0]).toContain("| `main` | not moved | already there |");
  }, 60_000);

  it("gives a release its versions and latest", async () => {
    const commit = await trials.workspace.commitFile("greeting", "hello again\n");
    await trials.workspace.tag("v1.2.3");
    const run = await trials.run("all.yml", pushOf("refs/tags/v1.2.3", commit));
    expect(run.succeeded).toBe(true);
    const { digest, version } = run.outputs["image"] ?? {};
    expect(version).toBe("1.2.3");
    const tags = await tagsOf(trials.image);
    expect(Object.keys(tags).filter((tag) => tags[tag] === digest)).toEqual(
      ["1.2", "1.2.3", "latest", `sha-${commit.slice(0, 7)}`].sort(),
    );
    expect(tags["main"]).not.toBe(digest);
  }, 60_000);

  describe.each([
    ["a pull request", {}, "auto", "this is a pull request (push is auto)"],
    [
      "a pull request from a fork, even with push: true",
      { from: "stranger/node" },
      "true",
      "a pull request by a fork may not",
    ],
    [
      "Dependabot's pull request, even with push: true",
      { by: "dependabot[bot]" },
      "true",
      "a pull request by Dependabot may not",
    ],
  ] as const)("on %s", (_what, pull, push, why) => {
    it("writes nothing to the registry, and leaves a layout", async () => {
      const before = await snapshot(trials.registry.data);
      const run = await trials.run("all.yml", pullRequestOf(trials.workspace.commit, pull), {
        variables: { PUSH: push },
      });
      expect(run.errors).toEqual([]);
      expect(run.succeeded).toBe(true);
      expect(await snapshot(trials.registry.data)).toEqual(before);
      const layout = await readFile(join(trials.folders.kept, "layout", "index.json"), "utf8");
      expect(layout).toContain(run.outputs["image"]?.["digest"]);
      expect(run.summaries[0]).toContain(`Nothing was pushed: ${why}.`);
      expect(run.outputs["image"]?.["version"]).toBe("pr-7");
    }, 60_000);
  });

  it("publishes the repository's own pull request where that is asked for", async () => {
    const run = await trials.run("all.yml", pullRequestOf(trials.workspace.commit), {
      variables: { PUSH: "true" },
    });
    expect(run.succeeded).toBe(true);
    expect((await tagsOf(trials.image))["pr-7"]).toBe(run.outputs["image"]?.["digest"]);
  }, 60_000);

  it("checks weights that were never published, and keeps none of them", async () => {
    const run = await trials.run("all.yml", pullRequestOf(trials.workspace.commit), {
      variables: { IMAGE: `${trials.registry.host}/operator/unpublished` },
    });
    expect(run.succeeded).toBe(true);
    expect(await tagsOf(`${trials.registry.host}/operator/unpublished`)).toEqual({});
    expect(run.summaries[0]).toContain("checked");
    expect(run.summaries[0]).toContain("the weights were not published");
  }, 60_000);
});
