import { join, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import type { Facts } from "../config/facts.ts";
import type { StageName } from "../config/input.ts";
import { CheckError, UsageError } from "../errors.ts";
import { placeName } from "../images/reference.ts";
import { earlierRun } from "../results/earlier-run.ts";
import { readResult, readResults, writeResult } from "../results/folder.ts";
import {
  acceptResult,
  assembleResult,
  buildResult,
  modelsResult,
  prepareResult,
  promoteResult,
  type Results,
  scanResult,
} from "../results/stages.ts";
import { acceptStage, refuseAcceptance } from "./accept.ts";
import { aloneIn } from "./alone.ts";
import { assembleStage } from "./assemble.ts";
import { unsignedBecause } from "./attest-image.ts";
import { buildStage } from "./build.ts";
import { jobName } from "./job.ts";
import { modelsStage, readLock } from "./models.ts";
import { needed } from "./needed.ts";
import { changesFiles } from "./only-changed.ts";
import { checkOwnCommit } from "./own-commit.ts";
import type { Ports } from "./ports.ts";
import { mayPush, prepare } from "./prepare.ts";
import { promoteStage } from "./promote-stage.ts";
import { publishFindings } from "./publish-findings.ts";
import { issueFile } from "./refresh-issue.ts";
import { scanStage } from "./scan.ts";
import { policyOf, refuseScan } from "./scan-images.ts";
import type { Stage } from "./stage.ts";

type StageFunction = (stage: Stage, ports: Ports) => Promise<object>;

const stages: Readonly<Record<StageName, StageFunction>> = {
  prepare: async ({ config, facts }, ports) => {
    await checkOwnCommit(config, ports);
    return prepare(config, facts, ports.clock.now(), ports.log);
  },
  models: modelsStage,
  build: buildStage,
  scan: scanStage,
  assemble: assembleStage,
  accept: acceptStage,
  promote: promoteStage,
  report: notYet("report"),
};

type Conclude = (result: object, stage: Stage, ports: Ports) => Promise<void>;

/** Stages that judge: their result is kept, then told, and only then it fails them; that of an earlier try goes when they begin. */
const conclusions: Readonly<Partial<Record<StageName, Conclude>>> = {
  accept: async (result, { config }, { log }) =>
    refuseAcceptance(acceptResult.parse(result), config.acceptance, log),
  scan: async (result, stage, ports) => {
    const scan = scanResult.parse(result);
    await publishFindings(scan, needed(stage.results, "prepare").image, stage, ports);
    refuseScan(scan);
  },
};

/** Whether a stage's result may be one that says no. */
export function judges(name: StageName): boolean {
  return conclusions[name] !== undefined;
}

/** Runs stages one after the other, while nobody else uses the results folder; the last one's result. */
export async function runStages(
  names: readonly [StageName, ...StageName[]],
  config: Config,
  facts: Facts,
  ports: Ports,
): Promise<object> {
  return aloneIn(
    config.results,
    async () => {
      const [first, ...others] = names;
      let result = await runStage(first, config, facts, ports);
      if (first === "prepare") await foresee(config, prepareResult.parse(result), ports);
      for (const name of others) result = await runStage(name, config, facts, ports);
      return result;
    },
    ports,
  );
}

/** Runs one stage from the results folder and writes its result there. */
async function runStage(
  name: StageName,
  config: Config,
  facts: Facts,
  ports: Ports,
  before: Pick<Stage, "earlier" | "accepted"> = {},
): Promise<object> {
  ports.signal.throwIfAborted();
  const begun = ports.clock.now();
  const results = await readAll(config.results, ports);
  if (name !== "prepare") checkPlan(config, facts, results);
  const file = resultName(name, config, results);
  const conclude = conclusions[name];
  if (conclude !== undefined)
    await ports.files.rm(join(config.results, `${file}.json`), { force: true });
  const stage = { config, facts, results, ...before };
  const result = await stages[name](stage, ports);
  const now = ports.clock.now();
  const finished = new Date(now).toISOString();
  // What was accepted before keeps the time at which it was.
  const timed = { finished, ...result, seconds: (now - begun) / 1000 };
  await writeResult(ports.files, config.results, file, timed);
  await conclude?.(timed, stage, ports);
  return timed;
}

/** A plan comes from a file: it is of this job's image, and may not say more than this very job may do. */
function checkPlan(config: Config, facts: Facts, { prepare: plan }: Results): void {
  const image = placeName(config.image);
  if (plan !== undefined && plan.image !== image)
    throw new CheckError(
      `The plan in prepare.json is of ${plan.image}, and this job's image is ${image}.`,
      {
        todo: "Give all stages of a run the same image, and call the workflow once a run: results go from job to job under fixed names. A second image has a workflow of its own.",
      },
    );
  const { push, why } = mayPush(config, facts);
  if (plan?.push !== true || push) return;
  throw new CheckError(`The plan in prepare.json says that the image is pushed, but ${why}.`, {
    todo: "Run the stage prepare in the same event as the others.",
  });
}

/**
 * The whole pipeline, while nobody else uses the results folder: weights beside the runtime and its scan, tags last. Gives every stage's result.
 * `begun` is called when all results in the folder are of this run.
 */
export async function runPipeline(
  config: Config,
  facts: Facts,
  ports: Ports,
  begun: () => void = () => undefined,
): Promise<Results> {
  const remove = async (names: readonly string[]) => {
    for (const name of names)
      await ports.files.rm(join(config.results, name), { recursive: true, force: true });
  };
  const work = async () => {
    const old = await earlierRun(config.results, ports.files);
    const { build: earlier, accept: accepted } = await readAll(config.results, ports);
    const run = (name: StageName, signal = ports.signal) =>
      runStage(name, config, facts, { ...ports, signal }, { earlier, accepted });
    await run("prepare");
    await remove(old.filter((name) => name !== "prepare.json" && name.endsWith(".json")));
    if (old.length > 0) await remove([...changesFiles, issueFile]);
    begun();
    try {
      const { prepare: plan } = await readAll(config.results, ports);
      await foresee(config, plan, ports);
      if (plan?.push === true) unsignedBecause(config.attest);
      await together([["models"], ["build", "scan"]], run, ports.signal);
    } finally {
      const { build } = await readAll(config.results, ports);
      const kept = build.map(({ repository }) => repository.replace(/^oci:/, ""));
      await remove(old.filter((name) => !name.endsWith(".json") && !kept.includes(name)));
    }
    await run("assemble");
    await run("accept");
    const { prepare: plan } = await readAll(config.results, ports);
    if (plan?.push === true) await run("promote");
    return readAll(config.results, ports);
  };
  return aloneIn(config.results, work, ports);
}

/** What later stages would fail by and the plan's own job can see: said before hours of work, not after. */
async function foresee(config: Config, plan: Results["prepare"], ports: Ports): Promise<void> {
  refuseUntested(config, plan);
  const { lock } = config.models;
  if (lock !== undefined) await readLock(resolve(config.workspace, lock), ports);
  await policyOf(config, ports);
}

/** Promote would refuse a candidate that nobody accepted. */
function refuseUntested({ promote, acceptance }: Config, plan: Results["prepare"]): void {
  if (plan?.push !== true || acceptance.mode !== "off" || promote.allowUntested !== undefined)
    return;
  throw new UsageError("acceptance is off, so that nothing is published.", {
    todo: "Say why it may be published all the same (allow-untested: REASON), or push nothing (push: false).",
  });
}

/** Everything that the results folder holds. */
export async function readAll(folder: string, { files }: Pick<Ports, "files">): Promise<Results> {
  return {
    prepare: await readResult(files, folder, "prepare", prepareResult),
    models: await readResult(files, folder, "models", modelsResult),
    build: await readResults(files, folder, "build", buildResult),
    scan: await readResults(files, folder, "scan", scanResult),
    assemble: await readResult(files, folder, "assemble", assembleResult),
    accept: await readResults(files, folder, "accept", acceptResult),
    promote: await readResult(files, folder, "promote", promoteResult),
  };
}

/** How a stage's result is called in the results folder, and its artifact: `build-linux-amd64` where one platform of several was built alone. */
export function resultName(
  name: StageName,
  job: Pick<Config, "platforms">,
  { prepare: plan }: Pick<Results, "prepare">,
): string {
  const perPlatform = name === "build" || name === "scan" || name === "accept";
  return perPlatform && plan !== undefined ? jobName(name, job, plan) : name;
}

/** Runs rows of stages side by side. When one fails the others are stopped, and waited for: nothing goes on in the background of a failed run. */
async function together(
  rows: readonly (readonly StageName[])[],
  run: (name: StageName, signal: AbortSignal) => Promise<object>,
  outer: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([outer, stop.signal]);
  const runAll = async (names: readonly StageName[]) => {
    for (const name of names) await run(name, signal);
  };
  let first: unknown;
  await Promise.allSettled(
    rows.map((names) =>
      runAll(names).catch((error) => {
        first ??= error;
        stop.abort(error);
      }),
    ),
  );
  if (first !== undefined) throw first;
}

function notYet(name: StageName): StageFunction {
  return async () => {
    throw new UsageError(`stage: ${name} is not in this version.`, {
      todo: "See CHANGELOG.md for what is there.",
    });
  };
}
