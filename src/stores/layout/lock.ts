import { randomUUID } from "node:crypto";
import { isError, RemoteError } from "../../errors.ts";
import { isGone, thisProcess } from "../../owner.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Files } from "../../ports/files.ts";

/** A lock is held for milliseconds; older than this, its holder is gone. */
const stale = 30_000;
const patience = 60_000;

export interface LockPorts {
  readonly files: Pick<Files, "link" | "open" | "readFile" | "rename" | "rm" | "stat">;
  readonly clock: Clock;
}

/** Does the work while this process alone, of all on this disk, holds the lock file. A lock whose holder is gone is taken over. */
export async function underLock<T>(
  path: string,
  work: () => Promise<T>,
  ports: LockPorts,
): Promise<T> {
  const mine = `${thisProcess()} ${randomUUID()}`;
  await acquire(path, mine, ports);
  try {
    return await work();
  } finally {
    await release(path, mine, ports);
  }
}

async function acquire(path: string, mine: string, ports: LockPorts): Promise<void> {
  const { clock } = ports;
  const end = clock.now() + patience;
  while (!(await create(path, mine, ports))) {
    await removeIfStale(path, ports);
    if (clock.now() > end) {
      throw new RemoteError(`${path} has been held by another process for a minute.`, {
        todo: "If no other director-image is running, remove that file.",
      });
    }
    await clock.sleep(5 + clock.random() * 20);
  }
}

/** A holder that slept so long that it lost the lock must not take it from the next one. */
async function release(path: string, mine: string, { files }: LockPorts): Promise<void> {
  const holder = await files.readFile(path, "utf8").catch(() => undefined);
  if (holder === mine) await files.rm(path, { force: true });
}

async function create(path: string, mine: string, { files }: LockPorts): Promise<boolean> {
  try {
    const file = await files.open(path, "wx");
    try {
      await file.writeFile(mine);
    } catch (error) {
      await files.rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (isError(error) && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Takes a stale lock away by renaming it: of several that try, one succeeds. One that was renewed meanwhile is put back. */
async function removeIfStale(path: string, { files, clock }: LockPorts): Promise<void> {
  try {
    const [holder, { mtimeMs }] = await Promise.all([
      files.readFile(path, "utf8"),
      files.stat(path),
    ]);
    const [owner = ""] = holder.split(" ");
    const gone = owner !== "" && isGone(owner) === true;
    if (!gone && clock.now() - mtimeMs < stale) return;
    const aside = `${path}.${randomUUID()}`;
    await files.rename(path, aside);
    const renewed = (await files.readFile(aside, "utf8")) !== holder;
    if (renewed) await files.link(aside, path).catch(() => undefined);
    await files.rm(aside, { force: true });
  } catch (error) {
    if (!isError(error) || error.code !== "ENOENT") throw error;
  }
}
