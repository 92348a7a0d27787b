import { join, resolve } from "node:path";
import { UsageError } from "../errors.ts";
import { digestOf, short } from "../images/digest.ts";
import { type Platform, parsePlatform, platformName } from "../images/platform.ts";
import { parsePlace, type Reference } from "../images/reference.ts";
import { deliveries } from "../results/stages.ts";
import { credentialsOf, hubOf } from "./access.ts";
import { attestInputs } from "./attest.ts";
import type { AcceptanceInputs, BuildInputs, Config, ScanInputs } from "./config.ts";
import { refuseContradictions } from "./contradictions.ts";
import { entries, items } from "./entries.ts";
import type { Environment } from "./environment.ts";
import { stageNames } from "./input.ts";
import { type InputName, inputs } from "./inputs.ts";
import { labelsOf, runnersOf } from "./runners.ts";
import {
  choice,
  count,
  digest,
  flag,
  lines,
  pairs,
  seconds,
  size,
  ternary,
  wrong,
} from "./values.ts";

/** What was given for an input: undefined where nothing was. */
export type Given = (name: InputName) => string | undefined;

const failOnChoices = ["critical", "high", "medium", "low", "unknown", "none"] as const;

export type Read = (name: InputName) => string;

/** Checks every input once (an empty one has its default, but for `models`, where it means no weights) and gives the frozen configuration; a UsageError names the input. */
export function readConfig(given: Given, environment: Environment): Config {
  const read = withDefaults(given);
  refuseContradictions(read);
  const image = imageOf(read, environment);
  const delivery = choice("models-delivery", read("models-delivery"), deliveries);
  const repository = read("models-repository");
  return freeze({
    stage: choice("stage", read("stage"), ["all", ...stageNames] as const),
    workspace: environment.workspace,
    temporary: environment.temporary,
    results: resultsFolder(read, environment),
    image,
    platforms: platformsOf("platforms", read("platforms")),
    models: {
      lock: optional(read("models")),
      delivery,
      repository: repository === "" ? image : place("models-repository", repository),
    },
    runners: runnersOf("runners", read("runners")),
    gpuRunner: labelsOf("gpu-runner", read("gpu-runner")),
    workflowSha: optional(read("workflow-sha")),
    expectedDigest: digest("expected-digest", read("expected-digest")),
    action: environment.github?.action,
    push: ternary("push", read("push")),
    layout: read("layout"),
    tags: lines(read("tags")),
    flavor: lines(read("flavor")),
    labels: named("labels", entries("labels", read("labels"))),
    annotations: named("annotations", entries("annotations", read("annotations"))),
    registry: credentialsOf(read, image, environment),
    github: { api: environment.githubApi, token: optional(read("github-token")) },
    hub: hubOf(read("hub-token"), environment),
    downloadMirror: optional(read("download-mirror")),
    build: buildInputs(read),
    scan: scanInputs(read),
    acceptance: acceptanceInputs(read),
    attest: attestInputs(read, environment),
    promote: {
      allowUntested: optional(read("allow-untested")),
      force: flag("force", read("force")),
      onlyChanged: flag("only-changed", read("only-changed")),
    },
  });
}

/** An input that is empty has its default, but for `models`, where it means no weights. */
export function withDefaults(given: Given): Read {
  return (name) => {
    const text = given(name)?.trim() ?? inputs[name].default;
    return text === "" && name !== "models" ? inputs[name].default : text;
  };
}

/**
 * A runner's folder is the job's own; a person's checkouts have one each. Not the checkout itself: the result of the stage models
 * bears the name of the spec, `models.json`.
 */
function resultsFolder(read: Read, { workspace, temporary, github }: Environment): string {
  const checkout = github === undefined ? `-${short(digestOf(workspace))}` : "";
  const folder = resolve(
    workspace,
    read("results") || join(temporary, `director-image${checkout}`),
  );
  if (folder === resolve(workspace))
    throw wrong("results", read("results"), "a folder of its own, not the workspace itself");
  return folder;
}

function imageOf(read: Read, { owner }: Environment): Reference {
  const text = read("image");
  if (text !== "") return place("image", text);
  if (owner === undefined)
    throw new UsageError(
      "image: nothing was given, and there is no repository owner to derive it from.",
      {
        todo: "Give a repository, such as ghcr.io/OWNER/director, or oci:DIR for a layout on disk.",
      },
    );
  return place("image", `ghcr.io/${owner}/director`);
}

/** Workflows write `${{ github.repository_owner }}` with its capitals, which registries refuse: the name is lower-cased. */
function place(name: InputName, text: string): Reference {
  try {
    return parsePlace(text.startsWith("oci:") ? text : text.toLowerCase());
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${name}: ${error.message}`, {
      ...(error.todo === undefined ? {} : { todo: error.todo }),
    });
  }
}

/** The platforms of an input or flag: at least one, none of them twice. */
export function platformsOf(name: string, text: string): readonly Platform[] {
  const names = items(name, text).map((entry) => platformName(parsePlatform(entry)));
  if (names.length === 0) throw wrong(name, text, "at least one, such as linux/amd64");
  const twice = names.find((entry, at) => names.indexOf(entry) !== at);
  if (twice !== undefined) throw new UsageError(`${name}: ${twice} is there twice.`);
  return names;
}

/** Each is `NAME=VALUE`, and stays as it is written. */
function named(name: InputName, found: readonly string[]): readonly string[] {
  pairs(name, found);
  return found;
}

function buildInputs(read: Read): BuildInputs {
  const whole = (name: InputName) => entries(name, read(name));
  const split = (name: InputName) => items(name, read(name));
  return {
    context: read("context"),
    file: read("file"),
    target: optional(read("target")),
    args: pairs("build-args", whole("build-args")),
    contexts: pairs("build-contexts", whole("build-contexts")),
    secrets: whole("secrets"),
    secretFiles: named("secret-files", whole("secret-files")),
    secretEnvs: named("secret-envs", split("secret-envs")),
    ssh: split("ssh"),
    noCache: flag("no-cache", read("no-cache")),
    noCacheFilters: items("no-cache-filters", read("no-cache-filters")),
    pull: flag("pull", read("pull")),
    network: optional(read("network")),
    addHosts: split("add-hosts"),
    allow: split("allow"),
    shmSize: optional(read("shm-size")),
    cacheFrom: whole("cache-from"),
    cacheTo: whole("cache-to"),
    cache: choice("cache", read("cache"), ["registry", "gha", "none"] as const),
    builder: optional(read("builder")),
    driver: choice("driver", read("driver"), [
      "docker-container",
      "docker",
      "remote",
      "kubernetes",
    ] as const),
    driverOpts: lines(read("driver-opts")),
    buildkitdConfig: optional(read("buildkitd-config")),
    buildxVersion: read("buildx-version").replace(/^v/, ""),
    provenance: ternary("provenance", read("provenance")),
  };
}

/** The inputs of the scan alone, for the command that has no image of its own. */
export function scanInputs(read: Read): ScanInputs {
  return {
    failOn: choice("fail-on", read("fail-on"), failOnChoices),
    ignoreUnfixed: flag("ignore-unfixed", read("ignore-unfixed")),
    policy: optional(read("scan-policy")),
    database: optional(read("trivy-db")),
    databaseMaxAge: seconds("trivy-db-max-age", read("trivy-db-max-age")),
    trivyVersion: read("trivy-version").replace(/^v/, ""),
    minPackages: count("min-packages", read("min-packages"), 0),
    sarifUpload: choice("sarif-upload", read("sarif-upload"), ["auto", "always", "never"] as const),
    sarifFile: read("sarif-file"),
  };
}

/** The inputs of acceptance alone, for the command that has no image of its own. */
export function acceptanceInputs(read: Read): AcceptanceInputs {
  const modes = ["auto", "required", "off"] as const;
  return {
    mode: choice("acceptance", read("acceptance"), modes),
    gpu: choice("gpu", read("gpu"), modes),
    startupTimeout: seconds("startup-timeout", read("startup-timeout")),
    shutdownTimeout: seconds("shutdown-timeout", read("shutdown-timeout")),
    maxVram: size("max-vram", read("max-vram")),
    maxImageSize: size("max-image-size", read("max-image-size")),
    minDriver: read("min-driver"),
    memory: size("acceptance-memory", read("acceptance-memory")),
    cpus: count("acceptance-cpus", read("acceptance-cpus"), 1),
    slots: count("acceptance-slots", read("acceptance-slots"), 1),
    chainUrl: optional(read("chain-url")),
  };
}

function optional(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function freeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === "object" && inner !== null && !(inner instanceof URL)) freeze(inner);
  }
  return Object.freeze(value);
}
