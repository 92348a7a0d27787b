import { constants } from "node:fs";
import { dirname } from "node:path";
import { amount } from "../amount.ts";
import { hubOf } from "../config/access.ts";
import { isError, UsageError } from "../errors.ts";
import type { LockChanges } from "../models/changes.ts";
import type { Lock } from "../models/lock.ts";
import { formatLock } from "../models/lock-text.ts";
import { resolveLock } from "../models/resolve.ts";
import { parseSpec } from "../models/spec.ts";
import { readLock } from "../pipeline/models.ts";
import type { Ports } from "../pipeline/ports.ts";
import type { Files } from "../ports/files.ts";
import { replaceFile } from "../replace-file.ts";
import type { Command } from "./command.ts";

export const lockCommand: Command = {
  name: "models lock",
  summary: "resolve the spec to revisions, sizes, hashes and layer digests",
  example: "director-image models lock --spec models.json --lock models.lock.json",
  inputs: ["hub-token"],
  flags: [
    { flag: "--spec <file>", description: "what a person wrote", default: "models.json" },
    { flag: "--lock <file>", description: "what is written", default: "models.lock.json" },
    { flag: "--open", description: "metadata and small files only: no layers" },
    { flag: "--update", description: "look branches up anew" },
    { flag: "--repack", description: "pack all layers afresh" },
  ],
  run: async (given, { ports, environment }) => {
    const { files, log, signal } = ports;
    const [spec, lock] = [given.value("spec") ?? "", given.value("lock") ?? ""];
    const text = await files.readFile(spec, "utf8").catch((cause) => {
      throw new UsageError(`--spec: ${spec} cannot be read.`, { cause });
    });
    await refuseUnwritable(lock, files);
    const previous = await lockBefore(lock, given.isSet("repack"), ports);
    const resolved = await resolveLock(
      parseSpec(text, spec),
      { ...ports, hub: hubOf(given.value("hub-token"), environment) },
      {
        previous,
        open: given.isSet("open"),
        update: given.isSet("update"),
        repack: given.isSet("repack"),
        signal,
      },
    );
    await replaceFile(lock, formatLock(resolved.lock), files);
    log.info(`${lock} is written.`);
    return {
      json: { lock: resolved.lock, changes: resolved.changes, bytesRead: resolved.bytesRead },
      text: changeLines(resolved.changes),
    };
  },
};

/** The lock that is there; undefined where none is, or where a broken one shall be replaced. */
async function lockBefore(
  path: string,
  repack: boolean,
  { files, log }: Pick<Ports, "files" | "log">,
): Promise<Lock | undefined> {
  try {
    if (!(await files.stat(path)).isFile()) throw new UsageError(`--lock: ${path} is no file.`);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    if (isError(cause) && cause.code === "ENOENT") return undefined;
    throw new UsageError(`--lock: ${path} cannot be read.`, { cause });
  }
  try {
    return await readLock(path, { files });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { message, cause } = error;
    if (!repack)
      throw new UsageError(message, {
        cause,
        todo: "Remove it, or give --repack to begin afresh.",
      });
    log.warning(`${message} It is replaced: revisions, hashes and layers are looked up afresh.`);
    return undefined;
  }
}

/** Gigabytes may be read before the lock is written: that it can be is looked at first. */
async function refuseUnwritable(path: string, { access }: Pick<Files, "access">): Promise<void> {
  const folder = dirname(path);
  try {
    await access(`${folder}/.`, constants.W_OK);
  } catch (cause) {
    throw new UsageError(`--lock: ${path} cannot be written: ${why(cause, folder)}.`, {
      cause,
      todo: "Make the folder, or name a file in one that can be written.",
    });
  }
}

function why(error: unknown, folder: string): string {
  const code = isError(error) ? error.code : undefined;
  if (code === "ENOENT") return `there is no folder ${folder}`;
  return code === "ENOTDIR" ? `${folder} is no folder` : `${folder} refuses (${code})`;
}

function changeLines({ revisions, files, layers }: LockChanges): readonly string[] {
  const size = (bytes: number | undefined) => (bytes === undefined ? "" : amount(bytes));
  return [
    ...revisions.map(
      ({ model, from, to }) => `revision  ${model}: ${from.slice(0, 12)} → ${to.slice(0, 12)}`,
    ),
    ...files.map(
      ({ file, change, from, to }) =>
        `${change.padEnd(8)}  ${file}  ${[size(from), size(to)].filter((part) => part !== "").join(" → ")}`,
    ),
    `${layers.kept} layers kept, ${layers.added} new (${amount(layers.bytes)})`,
  ];
}
