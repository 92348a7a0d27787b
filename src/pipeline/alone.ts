import { join } from "node:path";
import { getuid } from "node:process";
import { RemoteError, UsageError } from "../errors.ts";
import { isGone, thisProcess } from "../owner.ts";
import { makeFolder } from "../results/folder.ts";
import { type LockPorts, underLock } from "../stores/layout/lock.ts";
import type { Ports } from "./ports.ts";

/** Names the process that works in a results folder, for as long as it does. */
const holderFile = ".run";

interface AlonePorts extends LockPorts {
  readonly files: Pick<Ports["files"], "lstat" | "mkdir" | "writeFile"> & LockPorts["files"];
}

/**
 * Does the work while no other run on this disk uses the results folder, which is made where it is missing. A RemoteError says who is in it;
 * a run that was killed does not count. A folder that somebody else made in a place like /tmp is a UsageError.
 */
export async function aloneIn<T>(
  folder: string,
  work: () => Promise<T>,
  ports: AlonePorts,
): Promise<T> {
  const { files } = ports;
  const path = join(folder, holderFile);
  await makeFolder(folder, files);
  if (isSomebodyElses(await files.lstat(folder), await files.stat(join(folder, "..")), getuid?.()))
    throw new UsageError(`results: ${folder} belongs to another user of this machine.`, {
      todo: "Give a folder of your own: --results DIR.",
    });
  const enter = async () => {
    const holder = await files.readFile(path, "utf8").catch(() => "");
    if (holder !== "" && isGone(holder) !== true)
      throw new RemoteError(`Another run (${holder}) is using the results folder ${folder}.`, {
        todo: `Wait for it, or give this one another folder (results). If there is none, remove ${path}.`,
      });
    await files.writeFile(path, thisProcess());
  };
  await underLock(`${path}.lock`, enter, ports);
  try {
    return await work();
  } finally {
    await files.rm(path, { force: true });
  }
}

/** Whether a folder was put, by another user, where everybody may make files but nobody may take another's away (/tmp: mode 1777). */
export function isSomebodyElses(
  folder: { readonly uid: number },
  parent: { readonly mode: number },
  me: number | undefined,
): boolean {
  return me !== undefined && folder.uid !== me && (parent.mode & 0o1002) === 0o1002;
}
