import { amount } from "../amount.ts";
import { hubOf } from "../config/access.ts";
import type { Environment } from "../config/environment.ts";
import { count } from "../config/values.ts";
import { UsageError } from "../errors.ts";
import { parseReference } from "../images/reference.ts";
import type { Lock } from "../models/lock.ts";
import { lockTag } from "../models/lock-text.ts";
import { pullModels } from "../models/pull.ts";
import { verifyModels } from "../models/verify.ts";
import { readLock } from "../pipeline/models.ts";
import type { Ports } from "../pipeline/ports.ts";
import type { Command, Given } from "./command.ts";
import { loginInputs, openWith } from "./login.ts";

const lockFlag = {
  flag: "--lock <file>",
  description: "the models lock",
  default: "models.lock.json",
};
const imageFlag = {
  flag: "--image <ref>",
  description: "a models image (default tag: the lock's) or an image that carries the weights",
};

export const pullCommand: Command = {
  name: "models pull",
  summary: "fill a folder or volume with the weights, from the hub or an image",
  example: "director-image models pull --lock models.lock.json --out /srv/models",
  inputs: ["hub-token", ...loginInputs],
  flags: [
    lockFlag,
    { flag: "--out <dir>", description: "the folder to fill", required: true },
    imageFlag,
    { flag: "--jobs <n>", description: "files side by side", default: "4" },
  ],
  run: async (given, { ports, environment }) => {
    const out = given.value("out") ?? "";
    if (out === "") throw new UsageError("--out: no folder was named.");
    const lock = await readLock(given.value("lock") ?? "", ports);
    const result = await pullModels(
      lock,
      { ...ports, hub: hubOf(given.value("hub-token"), environment) },
      {
        out,
        image: imageAt(given, lock, ports, environment),
        concurrency: count("--jobs", given.value("jobs") ?? "", 1),
        signal: ports.signal,
      },
    );
    return {
      json: result,
      text: [
        ...result.files.map(
          ({ file, size, state }) => `${state.padEnd(8)}  ${amount(size).padStart(8)}  ${file}`,
        ),
        `${amount(result.bytes)} in all, ${amount(result.bytesRead)} read`,
      ],
    };
  },
};

export const verifyCommand: Command = {
  name: "models verify",
  summary: "every byte of a folder or an image against the lock",
  example: "director-image models verify --lock models.lock.json --dir /srv/models",
  inputs: loginInputs,
  flags: [lockFlag, { flag: "--dir <dir>", description: "a folder that was filled" }, imageFlag],
  run: async (given, { ports, environment }) => {
    const folder = given.value("dir");
    if ((folder === undefined) === (given.value("image") === undefined))
      throw new UsageError("models verify: give either --dir or --image.");
    if (folder === "") throw new UsageError("--dir: no folder was named.");
    const lock = await readLock(given.value("lock") ?? "", ports);
    const image = imageAt(given, lock, ports, environment);
    const { signal } = ports;
    const result = await verifyModels(
      lock,
      ports,
      image === undefined ? { folder: folder ?? "", signal } : { image, signal },
    );
    return {
      json: result,
      text: result.files.map(
        ({ file, verdict, reason }) =>
          `${verdict}  ${file}${reason === undefined ? "" : `: ${reason}`}`,
      ),
      exitCode: result.verdict === "passed" ? 0 : 1,
    };
  },
};

function imageAt(given: Given, lock: Lock, ports: Ports, environment: Environment) {
  const text = given.value("image");
  if (text === undefined) return undefined;
  const reference = parseReference(text);
  const store = openWith(reference, given, ports, environment)(reference);
  return { store, reference: reference.digest ?? reference.tag ?? lockTag(lock) };
}
