import type { Config } from "../config/config.ts";
import { type Facts, readFacts } from "../config/facts.ts";
import { type InputName, inputs } from "../config/inputs.ts";
import { readConfig } from "../config/read.ts";
import { UsageError } from "../errors.ts";
import { parsePlace, placeName } from "../images/reference.ts";
import { runtimePlace } from "../pipeline/build.ts";
import { loadImage } from "../pipeline/load.ts";
import { loginOf } from "../pipeline/open.ts";
import { mayPush } from "../pipeline/prepare.ts";
import { runPipeline, runStages } from "../pipeline/run.ts";
import { lines } from "../report/lines.ts";
import { byStage } from "../report/stages.ts";
import type { BuildResult } from "../results/stages.ts";
import type { Command, Context, Given } from "./command.ts";

const buildInputs: readonly InputName[] = [
  "results",
  "image",
  "push",
  "layout",
  "platforms",
  "context",
  "file",
  "target",
  "build-args",
  "build-contexts",
  "secrets",
  "secret-files",
  "secret-envs",
  "ssh",
  "no-cache",
  "no-cache-filters",
  "pull",
  "network",
  "add-hosts",
  "allow",
  "shm-size",
  "cache-from",
  "cache-to",
  "cache",
  "builder",
  "driver",
  "driver-opts",
  "buildkitd-config",
  "buildx-version",
  "download-mirror",
  "provenance",
  "registry-username",
  "registry-password",
];

export const buildCommand: Command = {
  name: "build",
  summary: "build the runtime image, without weights",
  example: "director-image build --image 127.0.0.1:5000/director --platforms linux/amd64",
  inputs: buildInputs,
  run: async (given, context) => {
    const { config, facts } = await read(given, context, { models: "" });
    const names = ["prepare", "build"] as const;
    const result = (await runStages(names, config, facts, context.ports)) as BuildResult;
    return {
      json: result,
      text: result.platforms.map(
        ({ platform, digest }) =>
          `${platform}  ${placeName(runtimePlace(result, config))}@${digest}`,
      ),
    };
  },
};

/** Inputs that say something in a workflow only. */
const ofWorkflows: readonly string[] = [
  ...["stage", "github-token", "runners", "gpu-runner", "workflow-sha", "expected-digest"],
];

export const runCommand: Command = {
  name: "run",
  summary: "the whole pipeline on this machine",
  example:
    "director-image run --image 127.0.0.1:5000/director --tags type=raw,value=latest --allow-untested 'first try'",
  inputs: Object.keys(inputs).filter((name) => !ofWorkflows.includes(name)) as InputName[],
  flags: [
    { flag: "--delivery <hybrid|bake|mount>", description: "short for --models-delivery" },
    { flag: "--load <name>", description: "bring the image into the local Docker under this name" },
  ],
  run: async (given, context) => {
    const { ports } = context;
    const delivery = given.value("delivery");
    if (delivery !== undefined && given.value("models-delivery") !== undefined)
      throw new UsageError("--delivery and --models-delivery are the same: give one of them.");
    const { config, facts } = await read(
      given,
      context,
      delivery === undefined ? {} : { "models-delivery": delivery },
    );
    const name = given.value("load");
    if (name !== undefined) checkLoad(config, facts);
    const results = await runPipeline(config, facts, ports);
    const { assemble } = results;
    if (name !== undefined && assemble !== undefined) {
      await ports.log.group(`Load ${name}`, () =>
        loadImage(
          ports.open(parsePlace(assemble.repository), { login: loginOf(config) }),
          assemble.digest,
          name,
          ports,
        ),
      );
    }
    return {
      json: byStage(results),
      text: lines(results, name),
    };
  },
};

/** An image whose weights nobody keeps cannot be loaded. */
function checkLoad(config: Config, facts: Facts): void {
  const { push, why } = mayPush(config, facts);
  if (push || config.models.lock === undefined) return;
  throw new UsageError(
    `--load: the image would lack its weights, since nothing is pushed (${why}).`,
    {
      todo: "Use --image oci:DIR to keep the weights in a layout, or push to a registry.",
    },
  );
}

async function read(
  given: Given,
  { environment, ports }: Context,
  overrides: Partial<Record<InputName, string>>,
): Promise<{ config: Config; facts: Facts }> {
  const config = readConfig((name) => overrides[name] ?? given.value(name), environment);
  return { config, facts: await readFacts(environment, ports) };
}
