import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { secretValues } from "../config/entries.ts";
import type { Environment } from "../config/environment.ts";
import { type Facts, readFacts } from "../config/facts.ts";
import type { Input, StageName } from "../config/input.ts";
import { type InputName, inputs } from "../config/inputs.ts";
import { readConfig } from "../config/read.ts";
import { explain } from "../errors.ts";
import { platformsInName } from "../images/platform.ts";
import { type Log, maskSecret } from "../ports/log.ts";
import type { Artifacts, Step } from "../ports/step.ts";
import { fenced } from "../report/issue.ts";
import { outputsOf } from "../report/outputs.ts";
import { summary } from "../report/summary.ts";
import type { Results } from "../results/stages.ts";
import { artifactName, readBy } from "./earlier-results.ts";
import { jobName, jobPlatforms, sbomFiles } from "./job.ts";
import { changesFiles } from "./only-changed.ts";
import type { Ports } from "./ports.ts";
import { sarifFileOf } from "./publish-findings.ts";
import { issueFile, refreshIssue } from "./refresh-issue.ts";
import { judges, readAll, resultName, runPipeline, runStages } from "./run.ts";
import { shownFailure } from "./shown-failure.ts";

export interface StepPorts extends Ports {
  readonly step: Step;
  readonly artifacts: Artifacts;
}

/** What a run left that never began. */
const nothing: Results = { build: [], scan: [], accept: [] };

/**
 * One step of a workflow: reads the inputs, runs the pipeline or one stage of it, and leaves outputs, artifacts and a summary, in which
 * whatever failed the step is told.
 */
export async function runStep(environment: Environment, ports: StepPorts): Promise<void> {
  const { step, log } = ports;
  const secrets = maskSecrets(step, log);
  try {
    await runAs(
      readConfig((name) => step.input(name), environment),
      environment,
      secrets,
      ports,
    );
  } catch (error) {
    await step.summary(`\n### Failed\n\n${fenced(shownFailure(error, secrets), "text")}\n`);
    throw error;
  }
}

async function runAs(
  config: Config,
  environment: Environment,
  secrets: readonly string[],
  ports: StepPorts,
): Promise<void> {
  const { step } = ports;
  const facts = await readFacts(environment, ports);
  const { stage } = config;
  let isOurs = stage !== "all";
  let error: unknown;
  const issueOf: IssueOf = (results, failure) =>
    refreshIssue({ results, error: failure, secrets }, config, environment, ports.files);
  try {
    if (stage === "all")
      await runPipeline(config, facts, ports, () => {
        isOurs = true;
      });
    else await runAlone(stage, config, { facts, issueOf }, ports);
  } catch (thrown) {
    error = thrown;
    throw thrown;
  } finally {
    const results = isOurs ? await readAll(config.results, ports) : nothing;
    // A promote that failed moved no tag.
    for (const [name, value] of Object.entries(outputsOf(results, sarifFileOf(config))))
      if (name !== "tags" || stage !== "promote" || results.promote !== undefined)
        step.output(name, value);
    const shown = summary(stage === "all" ? results : only(stage, results));
    await step.summary(shown + (await issueOf(results, error)));
  }
}

/** Writes the text of an issue where one is due (refreshIssue), and gives the summary's part with it. */
type IssueOf = (results: Results, failure: unknown) => Promise<string>;

/** A stage in a job of its own: its predecessors' results come as artifacts, and its own goes the same way. */
async function runAlone(
  stage: StageName,
  config: Config,
  { facts, issueOf }: { readonly facts: Facts; readonly issueOf: IssueOf },
  ports: StepPorts,
): Promise<void> {
  if (stage !== "prepare") await fetchEarlier(stage, config, ports);
  let failure: unknown;
  try {
    await runStages([stage], config, facts, ports);
  } catch (error) {
    failure = error;
  }
  const results = await readAll(config.results, ports);
  const issue = (await issueOf(results, failure)) === "" ? [] : [issueFile];
  // A verdict that says no is a result, too: without it, promote would take the stage for one that did not run.
  const own = failure === undefined || judges(stage) ? await filesOf(stage, config, results) : [];
  if (failure !== undefined && own.length === 0) {
    await uploadIssue(stage, config, issue, ports);
    throw failure;
  }
  const name = artifactName(resultName(stage, config, results));
  const isBulky = layoutOf(stage, config, results) !== undefined;
  await ports.artifacts.upload(name, config.results, [...own, ...issue], { isBulky });
  if (failure !== undefined) throw failure;
}

/** The plan says which of the others are wanted. */
async function fetchEarlier(stage: StageName, config: Config, ports: StepPorts): Promise<void> {
  const { artifacts, files, log } = ports;
  await files.mkdir(config.results, { recursive: true });
  const isPlan = (name: string) => name === artifactName("prepare");
  const plan = await artifacts.download(isPlan, config.results);
  const isRead = readBy(stage, config, await readAll(config.results, ports));
  const others = await artifacts.download(isRead, config.results);
  log.info(`Results of earlier jobs: ${[...plan, ...others].join(", ") || "none"}.`);
}

/** The text of an issue goes by a name of its own where there is no result, and what keeps it from there hides not why the stage failed. */
async function uploadIssue(
  stage: StageName,
  { results, platforms }: Config,
  files: readonly string[],
  { artifacts, log }: StepPorts,
): Promise<void> {
  if (files.length === 0) return;
  const of = stage === "build" || stage === "scan" ? `-${platformsInName(platforms)}` : "";
  await artifacts
    .upload(artifactName(`issue-${stage}${of}`), results, files)
    .catch((error: unknown) => log.warning(`${issueFile} is in no artifact: ${explain(error)}`));
}

/** A stage's files in the results folder: its result, JUnit XML, bills of materials, the completed lock, the layout of a runtime that was not pushed. */
async function filesOf(
  stage: StageName,
  config: Config,
  results: Results,
): Promise<readonly string[]> {
  const { results: folder } = config;
  const { prepare: plan } = results;
  const layout = layoutOf(stage, config, results);
  const scanned = stage === "scan" && plan !== undefined ? jobPlatforms(config, plan) : [];
  const bills = scanned.flatMap((platform) => sbomFiles(platform));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter(
      (path) =>
        path === `${resultName(stage, config, results)}.json` ||
        (stage === "accept" && path === `${resultName(stage, config, results)}.xml`) ||
        (stage === "promote" && changesFiles.includes(path)) ||
        (stage === "models" && path === "models.lock.json") ||
        (stage === "scan" && bills.includes(path)) ||
        (layout !== undefined && path.startsWith(`${layout}/`)),
    );
}

/** The folder of what was built and not pushed; one that was sent to a registry from there stays behind. */
function layoutOf(
  stage: StageName,
  config: Config,
  { prepare: plan, build }: Results,
): string | undefined {
  if (stage !== "build" || plan === undefined) return undefined;
  const layout = jobName("runtime", config, plan);
  return build.some(({ repository }) => repository === `oci:${layout}`) ? layout : undefined;
}

/** The plan and one stage's own result: the summaries of the jobs stand below one another. */
function only(stage: StageName, results: Results): Results {
  const own = stage === "report" ? {} : { [stage]: results[stage] };
  return { prepare: results.prepare, build: [], scan: [], accept: [], ...own };
}

/** The values that may stand in no text. */
function maskSecrets(step: Step, log: Pick<Log, "mask">): readonly string[] {
  const all: string[] = [];
  for (const name of Object.keys(inputs) as InputName[]) {
    const input: Input = inputs[name];
    const value = step.input(name);
    if (input.secret !== true || value === undefined) continue;
    const secrets = input.lines === true ? secretValues(name, value) : [value.trim()];
    for (const secret of secrets) maskSecret(log, secret);
    all.push(...secrets);
  }
  return all;
}
