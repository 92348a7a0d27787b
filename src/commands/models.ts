import { amount } from "../amount.ts";
import { hubOf } from "../config/access.ts";
import { platformsOf } from "../config/read.ts";
import { count } from "../config/values.ts";
import { UsageError } from "../errors.ts";
import { parsePlace, parseReference, placeName } from "../images/reference.ts";
import { planModels } from "../models/plan.ts";
import { pushModels } from "../models/push.ts";
import { readLock } from "../pipeline/models.ts";
import { canMount } from "../pipeline/mount.ts";
import { countRequests } from "../stores/count-requests.ts";
import type { Command, Given } from "./command.ts";
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
    const { to, mountFrom, platforms } = pushFlags(given);
    const lock = await readLock(given.value("lock") ?? "", ports);
    const open = openWith(to, given, ports, environment);
    const counted = countRequests(ports.fetch);
    const { result } = await pushModels(
      lock,
      {
        ...ports,
        store: open(to, { fetch: counted.fetch }),
        hub: hubOf(given.value("hub-token"), environment),
        storeRequests: counted.requests,
      },
      {
        platforms,
        concurrency: count("--jobs", given.value("jobs") ?? "", 1),
        mountFrom: mountFrom === undefined ? undefined : open(mountFrom),
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

/** Flags of `models push` that mean nothing, or that contradict one another, are refused. */
function pushFlags(given: Given) {
  const to = parseReference(given.value("to") ?? "");
  if (to.digest !== undefined)
    throw new UsageError(`--to: a digest cannot be chosen for what is written: ${to.digest}.`, {
      todo: "Give a repository, with a tag if it shall have one beside its own.",
    });
  const platforms = platformsOf("--platforms", given.value("platforms") ?? "");
  const from = given.value("mount-from");
  if (from === undefined) {
    if (given.isSet("allow-copy"))
      throw new UsageError("--allow-copy: there is nothing to copy from without --mount-from.");
    return { to, platforms, mountFrom: undefined };
  }
  const mountFrom = parsePlace(from);
  if (!canMount(mountFrom, to))
    throw new UsageError(`--mount-from: ${from} is not in the registry of --to ${placeName(to)}.`, {
      todo: "A registry mounts blobs of its own repositories only; leave --mount-from out.",
    });
  return { to, platforms, mountFrom };
}

export const modelsCommands: readonly Command[] = [
  lockCommand,
  plan,
  push,
  pullCommand,
  verifyCommand,
];
