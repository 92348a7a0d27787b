import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, jest } from "@jest/globals";
import { mayDoWithout, startup } from "../../src/acceptance/checks/startup.ts";
import type { Target } from "../../src/acceptance/node.ts";
import { clock } from "../../src/host/clock.ts";
import { openTrial, type Trial, type Trying } from "./trial.ts";

jest.setTimeout(30_000);

const web = join("__tests__", "acceptance", "web.py");
let trial: Trial | undefined;
const open = async (mode: string, trying: Trying = {}, ...more: readonly string[]) => {
  trial = await openTrial(["python3", web, mode, ...more], trying);
  return trial.world;
};
afterEach(async () => {
  await trial?.close();
  trial = undefined;
});

it("a process that ends at its first start is not started once more, and its last words are told", async () => {
  const folder = await mkdtemp(join(tmpdir(), "startup-"));
  const finding = await startup.run(await open("crashes-once", {}, join(folder, "begun")));
  await rm(folder, { recursive: true });
  expect(finding).toMatchObject({
    verdict: "failed",
    reason:
      "it ended by itself with exit code 7; its last words: the last words of the first start",
  });
});

it("seconds count from when the start was asked for, not from when Docker has done its part", async () => {
  const slow = (target: Target): Target => ({
    ...target,
    under: (signal) => slow(target.under(signal)),
    start: async (options) => {
      const node = await target.start(options);
      await clock.sleep(1_500);
      return node;
    },
  });
  const finding = await startup.run(await open("healthy", { target: slow }));
  expect(finding).toMatchObject({ verdict: "passed", limit: { healthySeconds: 60 } });
  expect(finding.measured?.["healthySeconds"]).toBeGreaterThanOrEqual(1.5);
});

it("an answer that comes after the limit is too late", async () => {
  const world = await open("slow-answer", { limits: { startupSeconds: 2 } });
  expect(await startup.run(world)).toMatchObject({
    verdict: "failed",
    reason: expect.stringMatching(/^it is healthy after \d\.\d s only, 2 s are allowed$/),
  });
});

it("what an earlier start said is kept beside what the later one says", async () => {
  const { nodes } = await open("healthy");
  const words = async (count: number) => {
    for (const until = Date.now() + 5_000; Date.now() < until; await clock.sleep(50))
      if (((await trial?.logs()) ?? []).length >= count) break;
    return (await trial?.logs())?.map(({ node, text }) => [node, text]);
  };
  await nodes.startMain();
  expect(await words(1)).toEqual([["node", "begun"]]);
  await nodes.startMain("it ended");
  expect(await words(2)).toEqual([
    ["node", "begun"],
    ["unhardened node", "begun"],
  ]);
});

it.each<[string, ...Parameters<typeof mayDoWithout>, boolean]>([
  ["a container that has ended", "container", { running: false, outOfMemory: false }, true],
  ["a container that is slow", "container", { running: true, outOfMemory: false }, false],
  [
    "a container that was killed for memory",
    "container",
    { running: false, outOfMemory: true },
    false,
  ],
  ["a process", "process", { running: false, outOfMemory: false }, false],
])("%s is started again without hardening: %#", (_, kind, state, expected) =>
  expect(mayDoWithout(kind, state)).toBe(expected),
);
