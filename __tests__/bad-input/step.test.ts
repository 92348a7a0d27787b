import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from "@jest/globals";
import { readEnvironment } from "../../src/config/environment.ts";
import { spawn } from "../../src/host/spawn.ts";
import { opener } from "../../src/pipeline/open.ts";
import { runStep } from "../../src/pipeline/step.ts";
import { folderCache } from "../../src/terminal/cache.ts";
import { folderToolCache } from "../../src/terminal/tool-cache.ts";
import type { Deed, Fault } from "../fakes/faults.ts";
import { testPorts } from "../stores/ports.ts";
import { type BadWorld, openWorld } from "./world.ts";

jest.setTimeout(60_000);

let world: BadWorld;
let folder: string;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "step-"));
});
afterEach(() => rm(folder, { recursive: true }));

interface Left {
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly failed: boolean;
}

/** A step of a push in the world's checkout, and what it left. Steps of a test share their results, as jobs do by artifacts. */
async function step(inputs: Readonly<Record<string, string>>): Promise<Left> {
  const outputs: Record<string, string> = {};
  const summaries: string[] = [];
  const given: Readonly<Record<string, string>> = { results: join(folder, "results"), ...inputs };
  const ports = testPorts();
  const environment = readEnvironment(
    {
      ...{ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "push", GITHUB_REF: "refs/heads/main" },
      ...{ GITHUB_REPOSITORY: "NSN/Director", GITHUB_WORKSPACE: world.desk.folder },
      ...{ RUNNER_TEMP: folder, HF_ENDPOINT: world.hub.endpoint },
    },
    folder,
  );
  const ended = runStep(environment, {
    ...ports,
    step: {
      input: (name) => given[name],
      output: (name, value) => void Object.assign(outputs, { [name]: value }),
      summary: async (text) => void summaries.push(text),
      ...{ fail: () => undefined, save: () => undefined, saved: () => "" },
    },
    artifacts: { upload: async () => undefined, download: async () => [] },
    ...{ spawn, env: {}, home: folder, made: () => undefined },
    tools: folderToolCache(join(folder, "tools")),
    cache: folderCache(join(folder, "kept")),
    open: opener({}, ports),
    signal: new AbortController().signal,
  });
  const failed = await ended.then(
    () => false,
    () => true,
  );
  return { outputs, failed, summary: summaries.join("\n") };
}

it.each([
  ["a platform that is none", { platforms: "linux" }, 'platforms: "linux" is not a platform'],
  [
    "a platform without a runner",
    { runners: '{"linux/amd64":"ubuntu-24.04"}' },
    "runners: linux/arm64 is to be built, and no runner is named for it",
  ],
  ["a label that is none", { "gpu-runner": '["a",' }, "gpu-runner: "],
  ["tags by a rule that is none", { tags: "type=nonsense" }, "nonsense"],
])("%s is told in the summary", async (_, inputs, message) => {
  const { failed, summary } = await step({ stage: "prepare", image: "127.0.0.1:9/x", ...inputs });
  expect(failed).toBe(true);
  expect(summary).toContain("### Failed\n\n```text\n");
  expect(summary).toContain(message);
});

it("an image's name with capitals is lower-cased", async () => {
  const { outputs } = await step({ stage: "prepare" });
  expect(outputs["image"]).toBe("ghcr.io/nsn/director");
});

it("a lock that is not there is told in the summary, with how one is written", async () => {
  const { host, repository } = await world.registry();
  const image = `${host}/weights`;
  const { failed, summary } = await step({ stage: "prepare", image, models: "no.lock.json" });
  expect(failed).toBe(true);
  expect(summary).toMatch(/models: the lock .*no\.lock\.json cannot be read\..*models lock/s);
  expect([...repository("weights").tags.keys()]).toEqual([]);
});

it.each([
  ["a lock that is malformed", { models: "models.json" }, "models.json"],
  ["a policy that is not there", { "scan-policy": "no.json" }, "scan-policy: "],
  ["acceptance that is off without a reason", { acceptance: "off" }, "nothing is published"],
  ["an amount that is none", { "max-vram": "much" }, "max-vram: "],
])("%s is told by prepare, before hours of work", async (_, inputs, message) => {
  const { failed, summary } = await step({ stage: "prepare", image: "127.0.0.1:9/x", ...inputs });
  expect(failed).toBe(true);
  expect(summary).toContain(message);
});

it("acceptance may be off where nothing is pushed, or a reason is given", async () => {
  const wanted = { stage: "prepare", image: "127.0.0.1:9/x", acceptance: "off" };
  expect(await step({ ...wanted, push: "false" })).toMatchObject({ failed: false });
  expect(await step({ ...wanted, "allow-untested": "a try" })).toMatchObject({ failed: false });
});

it("a plan of another image is refused, since two calls in one run mix their results", async () => {
  await step({ stage: "prepare", image: "127.0.0.1:9/one" });
  const { failed, summary } = await step({ stage: "models", image: "127.0.0.1:9/other" });
  expect(failed).toBe(true);
  expect(summary).toContain("is of 127.0.0.1:9/one, and this job's image is 127.0.0.1:9/other.");
  expect(summary).toContain("call the workflow once a run");
});

it("results that are gone are told in the summary, with what to run again", async () => {
  const { failed, summary } = await step({ stage: "promote", image: "127.0.0.1:9/x" });
  expect(failed).toBe(true);
  expect(summary).toContain("The results folder has no prepare.json.");
  expect(summary).toContain("artifacts are gone, run all jobs again");
});

it("a job without the permission to write names it in the summary", async () => {
  const { host, repository } = await world.registry({ readOnly: true });
  const image = `${host}/weights`;
  await step({ stage: "prepare", image });
  const { failed, summary } = await step({ stage: "models", image });
  expect(failed).toBe(true);
  expect(summary).toContain("answered 403 (DENIED");
  expect(summary).toContain("`permissions: packages: write`");
  expect([...repository("weights").tags.keys()]).toEqual([]);
});

it("a token that expires in mid-run is told in the summary, unreadable, and nothing has a tag", async () => {
  const auth = { scheme: "bearer" as const, username: "nsn", password: "s3cr3t-token" };
  const faults: Fault[] = [];
  const registry = await world.registry({ auth: { ...auth, tokenRequests: 4 } }, faults);
  const expires: Deed = (next) => (request, response) => {
    Object.assign(registry.tokens.auth ?? {}, { password: "another" });
    registry.tokens.tokens.clear();
    next(request, response);
  };
  faults.push({ method: "PATCH", nth: 1, does: expires });
  const login = { "registry-username": "nsn", "registry-password": auth.password };
  const image = `${registry.host}/weights`;
  await step({ stage: "prepare", image, ...login });
  const { failed, summary } = await step({ stage: "models", image, ...login });
  expect(failed).toBe(true);
  expect(summary).toMatch(/does not accept the user "nsn"/);
  expect(summary).not.toContain(auth.password);
  expect([...registry.repository("weights").tags.keys()]).toEqual([]);
});

it("two runs at once bring the same weights, and one models image", async () => {
  const { host, repository } = await world.registry();
  const image = `${host}/weights`;
  const run = async (name: string) => {
    const results = join(folder, name);
    await step({ stage: "prepare", image, results });
    return step({ stage: "models", image, results });
  };
  const [one, other] = await Promise.all([run("one"), run("other")]);
  expect([one?.failed, other?.failed]).toEqual([false, false]);
  expect(one?.outputs["models-digest"]).toBe(other?.outputs["models-digest"]);
  expect([...repository("weights").tags.values()]).toEqual([one?.outputs["models-digest"]]);
});
