import { randomUUID } from "node:crypto";
import { isError, RemoteError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Files } from "../../ports/files.ts";
import { isGone, thisProcess } from "./owner.ts";

/** A lock is held for milliseconds; older than this, its holder is gone. */
const stale = 30_000;
const patience = 60_000;

export interface LockPorts {
  readonly files: Pick<Files, "open" | "readFile" | "rename" | "rm" | "stat">;
  readonly clock: Clock;
}

/** Does the work while this process alone, of all on this disk, holds the lock file. A lock whose holder is gone is taken over. */
export async function underLock<T>(
  path: string,
  work: () => Promise<T>,
  ports: LockPorts,
): Promise<T> {
  await acquire(path, ports);
  try {
    return await work();
  } finally {
    await ports.files.rm(path, { force: true });
  }
}

async function acquire(path: string, ports: LockPorts): Promise<void> {
  const { clock } = ports;
  const end = clock.now() + patience;
  while (!(await create(path, ports))) {
    await removeIfStale(path, ports);
    if (clock.now() > end) {
      throw new RemoteError(`${path} has been held by another process for a minute.`, {
        todo: "If no other director-image is running, remove that file.",
      });
    }
    await clock.sleep(5 + clock.random() * 20);
  }
}

async function create(path: string, { files }: LockPorts): Promise<boolean> {
  try {
    const file = await files.open(path, "wx");
    try {
      await file.writeFile(thisProcess());
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

/** Takes a stale lock away by renaming it: of several that try, one succeeds. */
async function removeIfStale(path: string, { files, clock }: LockPorts): Promise<void> {
  try {
    const [owner, { mtimeMs, ino }] = await Promise.all([
      files.readFile(path, "utf8"),
      files.stat(path),
    ]);
    const gone = owner !== "" && isGone(owner) === true;
    if (!gone && clock.now() - mtimeMs < stale) return;
    if ((await files.stat(path)).ino !== ino) return;
    const aside = `${path}.${randomUUID()}`;
    await files.rename(path, aside);
    await files.rm(aside, { force: true });
  } catch (error) {
    if (!isError(error) || error.code !== "ENOENT") throw error;
  }
}
