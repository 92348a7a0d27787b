import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { service } from "../fakes/service.ts";

export interface Trial {
  /** The caller's repository; the workflow is in its .github/workflows. */
  readonly workspace: string;
  readonly workflow: string;
  readonly event: Event;
  /** A folder of the trial's own: HOME, and where act keeps its jobs. */
  readonly home: string;
  /** What stands behind `nsn/director-image-action` and its reusable workflows. */
  readonly action: string;
  /** Labels of runners that there are, beside GitHub's; act leaves out a job for any other. */
  readonly runners?: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** Those that workflows name themselves; in act's log they are `***`, whatever the action does. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** A folder for the repository's cache, which act serves; without it there is none. */
  readonly cache?: string;
  /** Told of every line as it comes. */
  readonly onEntry?: (entry: Entry) => void;
  /** Milliseconds after which the run is ended; two minutes where nothing is said. */
  readonly limit?: number;
  /** The run is cancelled at the first line of which this is true. */
  readonly cancelAt?: (entry: Entry) => boolean;
}

export interface Event {
  readonly name: "push" | "pull_request" | "schedule" | "workflow_dispatch";
  readonly payload: object;
}

/** A line of act's log (--json). */
interface Entry {
  readonly msg: string;
  readonly jobID?: string;
  readonly stage?: "Pre" | "Main" | "Post";
  readonly stepID?: readonly string[];
  readonly stepResult?: "success" | "failure" | "skipped";
  readonly jobResult?: "success" | "failure";
  /** What a step printed, as it came. */
  readonly raw_output?: boolean;
  /** A workflow command, or what came of a step's files: `set-output`, `summary`, `error`, `group`, … */
  readonly command?: string;
  readonly name?: string;
  readonly arg?: string;
  /** A workflow command as the step printed it. */
  readonly raw?: string;
  readonly content?: string;
  readonly kvPairs?: Readonly<Record<string, string>>;
}

export interface Run {
  readonly succeeded: boolean;
  readonly entries: readonly Entry[];
  /** What all steps printed. */
  readonly printed: string;
  /** What came from a step's outputs: by step, by name. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The jobs that began, in their order. */
  readonly jobs: readonly string[];
  /** What it failed of, as annotations say it. */
  readonly errors: readonly string[];
  /** Workflow commands of a kind, such as `error` and `warning`. */
  commands(name: string): readonly Entry[];
  /** The job summaries, in the order of their coming. */
  readonly summaries: readonly string[];
  /** Whether a job's own part, or its post part, went well: `image Post`. */
  result(step: string, stage: "Main" | "Post"): string | undefined;
}

/** How workflows name the action: by its major version, and by the version that it is of. */
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const references = ["v1", `v${version}`].map((ref) => `nsn/director-image-action@${ref}`);

/** `actions/checkout@…`, as the reusable workflows name it; act itself does the work where no `ref` is given. */
const [pinnedCheckout = ""] =
  /actions\/checkout@[0-9a-f]{40}/.exec(
    readFileSync(join(".github", "workflows", "director-image.yml"), "utf8"),
  ) ?? [];

/** Runs a workflow by act on this machine, without containers, with the Node of the runner (24). */
export async function runWorkflow(trial: Trial): Promise<Run> {
  const { workspace, workflow, event, home, action, cache, onEntry } = trial;
  const { variables, secrets = {}, env } = trial;
  const labels = ["ubuntu-latest", "ubuntu-24.04", "ubuntu-24.04-arm", ...(trial.runners ?? [])];
  const checkout = join(action, "__tests__", "e2e", "actions", "checkout");
  const payload = join(home, "event.json");
  await writeFile(payload, JSON.stringify(event.payload));
  const args = [
    event.name,
    "--json",
    ...["--workflows", `.github/workflows/${workflow}`, "--eventpath", payload],
    ...labels.flatMap((label) => ["--platform", `${label}=-self-hosted`]),
    "--pull=false",
    ...(cache === undefined
      ? ["--no-cache-server"]
      : ["--cache-server-path", cache, "--cache-server-addr", "127.0.0.1"]),
    ...references.flatMap((reference) => ["--local-repository", `${reference}=${action}`]),
    ...["--local-repository", `${pinnedCheckout}=${checkout}`],
    ...["--actor", "octocat", "--concurrent-jobs", "2"],
    ...Object.entries(variables).flatMap(([name, value]) => ["--var", `${name}=${value}`]),
    ...Object.entries(secrets).flatMap(([name, value]) => ["--secret", `${name}=${value}`]),
    ...Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
  ];
  const node = resolve("node_modules", "node", "bin");
  const child = spawn(service("TEST_ACT_BIN"), args, {
    cwd: workspace,
    env: {
      PATH: [node, process.env["PATH"]].join(delimiter),
      HOME: home,
      DOCKER_HOST: service("DOCKER_HOST"),
      LANG: "C.UTF-8",
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: trial.limit ?? 120_000,
  });
  const entries: Entry[] = [];
  let isCancelled = false;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      const entry = entryOf(line);
      entries.push(entry);
      onEntry?.(entry);
      if (!isCancelled && trial.cancelAt?.(entry) === true) isCancelled = child.kill("SIGINT");
    });
  }
  const code = await new Promise<number | null>((done, failed) => {
    child.once("error", failed).once("close", done);
  });
  return runOf(code === 0, entries);
}

function entryOf(line: string): Entry {
  try {
    const entry = JSON.parse(line) as Entry;
    return { ...entry, ...workflowCommand(entry), msg: stripVTControlCharacters(entry.msg) };
  } catch {
    return { msg: line };
  }
}

/** As GitHub's runner reads it, up to the first `::`; act reads on to the last one, which may be in the message. */
function workflowCommand({ raw = "" }: Entry): Partial<Entry> {
  const [, command, arg] = /^::([a-z-]+)(?: [^:]*)?::(.*)$/m.exec(raw) ?? [];
  if (command === undefined || arg === undefined) return {};
  const characters = { "%25": "%", "%0D": "\r", "%0A": "\n" } as const;
  return {
    command,
    arg: arg.replace(/%25|%0D|%0A/g, (code) => characters[code as keyof typeof characters]),
  };
}

function runOf(succeeded: boolean, entries: readonly Entry[]): Run {
  const outputs: Record<string, Record<string, string>> = {};
  const results = new Map<string, string>();
  for (const {
    command,
    stepID: [step = ""] = [],
    name = "",
    arg = "",
    stage,
    stepResult,
  } of entries) {
    if (command === "set-output") outputs[step] = { ...outputs[step], [name]: arg };
    if (stepResult !== undefined) results.set(`${step} ${stage}`, stepResult);
  }
  const commands = (name: string) => entries.filter(({ command }) => command === name);
  return {
    succeeded,
    entries,
    printed: entries
      .filter((entry) => entry.raw_output)
      .map(({ msg }) => msg)
      .join(""),
    outputs,
    errors: commands("error").map(({ arg = "" }) => arg),
    jobs: [
      ...new Set(entries.flatMap(({ jobID = "", stage }) => (stage === undefined ? [] : jobID))),
    ],
    commands,
    summaries: commands("summary").map(({ content = "" }) => content),
    result: (step, stage) => results.get(`${step} ${stage}`),
  };
}
