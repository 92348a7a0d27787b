import { amount } from "../amount.ts";
import { items } from "../config/entries.ts";
import { hubOf } from "../config/read.ts";
import { count } from "../config/values.ts";
import { parsePlatform, platformName } from "../images/platform.ts";
import { parsePlace, parseReference, placeName } from "../images/reference.ts";
import { planModels } from "../models/plan.ts";
import { pushModels } from "../models/push.ts";
import { readLock } from "../pipeline/models.ts";
import { countRequests } from "../stores/count-requests.ts";
import type { Command } from "./command.ts";
import { loginInputs, openWith } from "./login.ts";
import { lockCommand } from "./models-lock.ts";
import { pullCommand, verifyCommand } from "./models-pull.ts";

const lockFlag = {
  flag: "--lock <file>",
  description: "the models lock",
  default: "models.lock.json",
};

const plan: Command = {
  name: "models plan",
  summary: "layers, sizes, and what the registry's limits say; touches no network",
  example: "director-image models plan --lock models.lock.json --to ghcr.io/nsn/director",
  flags: [lockFlag, { flag: "--to <repository>", description: "the registry whose limits matter" }],
  run: async (given, { ports }) => {
    const lock = await readLock(given.value("lock") ?? "", ports);
    const to = given.value("to");
    const result = planModels(lock, to === undefined ? undefined : ports.open(parsePlace(to)));
    return {
      json: result,
      text: [
        ...result.layers.map(
          ({ digest, size, files }) =>
            `${amount(size).padStart(8)}  ${digest ?? "open"}  ${files.join(" ")}`,
        ),
        `${amount(result.bytes).padStart(8)}  in ${result.layers.length} layers`,
      ],
    };
  },
};

const push: Command = {
  name: "models push",
  summary: "stream the weights to a repository and write the models image",
  example: "director-image models push --lock models.lock.json --to 127.0.0.1:5000/director",
  inputs: ["hub-token", ...loginInputs],
  flags: [
    lockFlag,
    { flag: "--to <repository[:tag]>", description: "where they go", required: true },
    {
      flag: "--platforms <list>",
      description: "platforms of the models image",
      default: "linux/amd64,linux/arm64",
    },
    {
      flag: "--mount-from <repository>",
      description: "a repository of the same registry that may have layers already",
    },
    {
      flag: "--allow-copy",
      description: "copy layers from there where the registry does not mount them",
    },
    { flag: "--jobs <n>", description: "layers side by side", default: "4" },
  ],
  run: async (given, { ports, environment }) => {
    const lock = await readLock(given.value("lock") ?? "", ports);
    const to = parseReference(given.value("to") ?? "");
    const open = openWith(to, given, ports, environment);
    const counted = countRequests(ports.fetch);
    const from = given.value("mount-from");
    const { result } = await pushModels(
      lock,
      {
        ...ports,
        store: open(to, { fetch: counted.fetch }),
        hub: hubOf(given.value("hub-token"), environment),
        storeRequests: counted.requests,
      },
      {
        platforms: items("--platforms", given.value("platforms") ?? "").map((name) =>
          platformName(parsePlatform(name)),
        ),
        concurrency: count("--jobs", given.value("jobs") ?? "", 1),
        mountFrom: from === undefined ? undefined : open(parsePlace(from)),
        allowCopy: given.isSet("allow-copy"),
        tag: to.tag,
        journal: `${given.value("lock")}.journal`,
        signal: ports.signal,
      },
    );
    return {
      json: result,
      text: [
        ...result.layers.map(
          ({ digest, size, state }) => `${state.padEnd(8)}  ${amount(size).padStart(8)}  ${digest}`,
        ),
        `${placeName(to)}@${result.digest}  ${amount(result.bytesUploaded)} sent`,
      ],
    };
  },
};

export const modelsCommands: readonly Command[] = [
  lockCommand,
  plan,
  push,
  pullCommand,
  verifyCommand,
];
