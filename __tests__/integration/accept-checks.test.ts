import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Check, Finding } from "../../src/acceptance/check.ts";
import { grpc } from "../../src/acceptance/checks/grpc.ts";
import { models } from "../../src/acceptance/checks/models.ts";
import { p2p } from "../../src/acceptance/checks/p2p.ts";
import { resources } from "../../src/acceptance/checks/resources.ts";
import { restart } from "../../src/acceptance/checks/restart.ts";
import { shutdown } from "../../src/acceptance/checks/shutdown.ts";
import { startup } from "../../src/acceptance/checks/startup.ts";
import type { Gpu, Gpus } from "../../src/acceptance/gpus.ts";
import { acceptanceInputs, withDefaults } from "../../src/config/read.ts";
import { parseLock } from "../../src/models/lock-parse.ts";
import { acceptOptions } from "../../src/pipeline/accept-options.ts";
import type { Fetch } from "../../src/ports/fetch.ts";
import { openTrial, type Trial, type Trying } from "../acceptance/trial.ts";
import { type Built, buildDirector } from "./director.ts";
import { miniatureLock, pullMiniature } from "./miniature.ts";

jest.setTimeout(300_000);

const careless = join(process.cwd(), "__tests__", "acceptance", "careless.py");
let folder = "";
let weights = "";
let built: Built;
let trial: Trial | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "accept-checks-"));
  weights = await pullMiniature(folder);
  built = await buildDirector();
}, 900_000);
afterEach(async () => {
  await trial?.close();
  trial = undefined;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Starts the reference node, or a program that starts it, and makes one check. */
async function make(
  check: Check,
  trying: Trying = {},
  before: readonly string[] = [],
): Promise<Finding> {
  const [first = built.program, ...more] = [...before, built.program];
  const env = { ...built.env, ...trying.env };
  const lock = parseLock(await readFile(miniatureLock, "utf8"), miniatureLock);
  const { expected } = acceptOptions(
    { lock },
    acceptanceInputs(withDefaults(() => undefined)),
    process.cwd(),
  );
  trial = await openTrial([first, ...more], { models: weights, expected, ...trying, env });
  expect(await startup.run(trial.world)).toMatchObject({ verdict: "passed" });
  return check.run(trial.world);
}

/** The node's pages, with something else in them. */
const rewritten =
  (path: string, change: (text: string) => string) =>
  (fetch: Fetch): Fetch =>
  async (request) => {
    const response = await fetch(request);
    if (request.url.pathname !== path) return response;
    return { ...response, text: async () => change(await response.text()) };
  };

describe("the weights beside a node", () => {
  const changed = async (change: (there: string) => Promise<void>) => {
    const there = await mkdtemp(join(folder, "models-"));
    await cp(weights, there, { recursive: true });
    await change(there);
    return there;
  };

  it("pass when they and their lock are those that were wanted", async () => {
    expect(await make(models)).toMatchObject({ verdict: "passed" });
  });

  it("fail when the lock there is another, though the node goes by it", async () => {
    const there = await changed(async (path) => {
      const lock = join(path, "models.lock.json");
      const text = await readFile(lock, "utf8");
      await writeFile(lock, text.replace(/"license": "[^"]*"/, '"license": "none"'));
    });
    expect(await make(models, { models: there })).toMatchObject({
      ...{ verdict: "failed", reason: `${there}/models.lock.json is not the lock` },
    });
  });

  it("fail when there are others beside them", async () => {
    const there = await changed((path) => writeFile(join(path, "kokoro-82m", "old.pth"), "old"));
    expect(await make(models, { models: there })).toMatchObject({
      ...{ verdict: "failed", reason: "kokoro-82m/old.pth is not in the lock" },
    });
  });
});

describe("a node among others", () => {
  it("passes when both name each other and all topics", async () => {
    expect(await make(p2p)).toMatchObject({ verdict: "passed", measured: { peers: 1 } });
  });

  it("fails when its topics are not those of a Director", async () => {
    const fetch = rewritten("/health", (text) => text.replaceAll("nsn/departure", "nsn/other"));
    expect(await make(p2p, { fetch })).toMatchObject({
      verdict: "failed",
      reason:
        "the node has not told the second node that it is subscribed to nsn/departure; the second node has not told the node that it is subscribed to nsn/departure",
    });
  });

  it("fails when it counts no round that it has led", async () => {
    const count = /^(nsn_bft_round_duration_seconds\S*) .*$/gm;
    const fetch = rewritten("/metrics", (text) => text.replace(count, "$1 0"));
    expect(await make(grpc, { fetch })).toMatchObject({
      verdict: "failed",
      reason: "the round was not counted: nsn_bft_round_duration_seconds_count of the node is 0",
    });
  });
});

describe("a node's memory on the card", () => {
  /** A card on which the node has 8 GB, but for every second look at it. */
  const card: Gpu = {
    ...{ index: 0, uuid: "GPU-a", name: "A card", driver: "550.54.15", mig: false },
    ...{ totalBytes: 24e9, usedBytes: 8e9 },
  };
  const gpus = (bytes: () => number): Gpus => ({
    cards: [card],
    now: async () => [card],
    apps: async () => {
      const { main } = trial?.world.nodes ?? {};
      const [pid = 0] = (await main?.pids()) ?? [];
      return [{ pid, gpu: card.uuid, usedBytes: bytes() }];
    },
  });

  it("fails by the card's own figures where it comes to the limit, whatever the node says", async () => {
    expect(await make(resources, { gpus: gpus(() => 14e9) })).toMatchObject({
      verdict: "failed",
      reason: "its memory on the card came to 14.00 GB under load, 11.80 GB are the limit",
      measured: { vramPeakBytes: 14e9, vramFrom: "card" },
    });
  });

  it("fails by the card's own figures where it moves from slot to slot", async () => {
    let bytes = 8e9;
    const growing = gpus(() => {
      bytes *= 1.05;
      return bytes;
    });
    expect(
      await make(resources, { gpus: growing, limits: { slots: 2, vramBytes: 1e15 } }),
    ).toMatchObject({
      verdict: "failed",
      reason: expect.stringMatching(/^its memory on the card moved by \d+\.\d %, 2 % are allowed$/),
    });
  });
});

describe("a node's end", () => {
  it("passes with calls in flight, refused calls, metrics to the last, and idle", async () => {
    const { verdict, measured } = await make(shutdown);
    expect(verdict).toBe("passed");
    expect(measured?.["callsInFlight"]).toBeGreaterThan(0);
    expect(measured?.["metricsAnswers"]).toBeGreaterThan(2);
    expect(measured?.["refusedSeconds"]).toBeLessThan(3);
    expect(measured?.["idleSeconds"]).toBeLessThan(10);
    expect(measured?.["startSeconds"]).toBeLessThan(10);
  });

  it("fails by each thing that is careless about it", async () => {
    const { reason = "" } = await make(shutdown, {}, ["python3", careless]);
    expect(reason.split("; ")).toEqual([
      "the sidecar was not ended by its own handler of SIGTERM (signal: 9 (SIGKILL))",
      "METRICS_FILE was not written",
      expect.stringMatching(/^with nothing in flight: it took 1\d\.\d s to end, 10 s are allowed$/),
      expect.stringMatching(/^told to stop during its start: it took 1\d\.\d s to end, 10 s are/),
    ]);
  });

  it("that does not come is told by the check after it, too", async () => {
    let ill = false;
    const fetch =
      (next: Fetch): Fetch =>
      async (request) => {
        const response = await next(request);
        return ill ? { ...response, status: 503 } : response;
      };
    await make({ ...restart, run: async () => ({ verdict: "passed" }) }, { fetch });
    ill = true;
    expect(await restart.run((trial as Trial).world)).toMatchObject({
      verdict: "failed",
      reason: "it still runs after the check before, and is not healthy: /health answers 503",
    });
  });
});
