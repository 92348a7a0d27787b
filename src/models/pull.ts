import { join } from "node:path";
import { isError, isKnown, RemoteError } from "../errors.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { replaceFile } from "../replace-file.ts";
import { eachLimited } from "../retry/each-limited.ts";
import type { SourcePorts } from "./file-reader.ts";
import { type FillState, fillFile } from "./fill-file.ts";
import { imagePlaces, type ModelsImageAt } from "./image-files.ts";
import { filesOf, type Lock, lockName, type ModelFile } from "./lock.ts";
import { formatLock } from "./lock-text.ts";
import { sharedProgress } from "./shared-progress.ts";
import { withHashThread } from "./sources/hash-thread.ts";
import { placesOf } from "./sources/places.ts";

export interface PullPorts extends SourcePorts {
  readonly files: Files;
  readonly log: Pick<Log, "info" | "progress">;
}

export interface PullOptions {
  /** The folder that becomes the models' root: `<out>/<name>/<path>`. */
  readonly out: string;
  /** Read from this image instead of the sources. */
  readonly image?: ModelsImageAt | undefined;
  /** Files side by side; 4 by default. */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PulledModels {
  readonly files: readonly {
    readonly file: string;
    readonly size: number;
    readonly state: FillState;
  }[];
  /** Bytes of all files. */
  readonly bytes: number;
  /** Bytes that came from sources or the image. */
  readonly bytesRead: number;
}

/**
 * Fills a folder, such as a volume for mounted models. Every file is verified, also one that is there already, and appears whole or not
 * at all; an interrupted pull goes on where it stopped; several processes may fill the same folder. The lock is written last.
 */
export async function pullModels(
  lock: Lock,
  ports: PullPorts,
  options: PullOptions,
): Promise<PulledModels> {
  return await withHashThread((newHash) => pull(lock, { newHash, ...ports }, options));
}

async function pull(
  lock: Lock,
  ports: PullPorts,
  { out, image, concurrency = 4, signal }: PullOptions,
): Promise<PulledModels> {
  const places = image === undefined ? undefined : await imagePlaces(lock, image);
  const files = filesOf(lock.models);
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
  const bar = sharedProgress(ports.log, "weights", bytes);
  let bytesRead = 0;
  const fill = async (one: ModelFile, stop: AbortSignal) => {
    const { id, model, file } = one;
    const wanted = { name: id, ...file };
    const there = places?.get(id);
    const filling = {
      id,
      wanted,
      target: join(out, id),
      places: there === undefined ? placesOf(model, file.path, wanted, ports) : [there],
      onRead: (more: number) => {
        bytesRead += more;
      },
      onProgress: (done: number) => bar.update(one, done),
    };
    const state = await onDisk(out, () => fillFile(filling, ports, stop));
    ports.log.info(
      `${id} (${{ cached: "cached, checksum valid", resumed: "resumed, checksum verified", pulled: "checksum verified" }[state]})`,
    );
    return { file: id, size: file.size, state };
  };
  try {
    const filled = await eachLimited(files, concurrency, fill, signal);
    await onDisk(out, () => writeLock(lock, out, ports.files));
    return { files: filled, bytes, bytesRead };
  } finally {
    bar.end();
  }
}

async function writeLock(lock: Lock, out: string, files: Files): Promise<void> {
  const target = join(out, lockName);
  const text = formatLock(lock);
  if ((await files.readFile(target, "utf8").catch(() => undefined)) === text) return;
  await replaceFile(target, text, files);
}

/** What the file system refuses is the outside world's failure, and says which folder. */
async function onDisk<T>(out: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isKnown(error) || !isError(error) || !("syscall" in error)) throw error;
    const full = error.code === "ENOSPC" || error.code === "EDQUOT";
    throw new RemoteError(`${out}: ${full ? "the disk is full." : `${error.message}.`}`, {
      cause: error,
      todo: full
        ? "Make room and run the same again: what is there is kept."
        : "Look whether this user may write there, and run the same again.",
    });
  }
}
