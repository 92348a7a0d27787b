import { isError, RemoteError } from "../../errors.ts";

/** Says in a sentence what a disk refused; anything else stays as it is. */
export function diskError(error: unknown, what: string): unknown {
  if (!isError(error)) return error;
  const known: Readonly<Record<string, readonly [string, string]>> = {
    ENOSPC: ["the disk is full", "Free some space, or choose a folder on another disk."],
    EDQUOT: ["the disk quota is used up", "Free some space, or choose a folder on another disk."],
    EROFS: ["the disk is read-only", "Choose a folder that can be written."],
    EACCES: ["permission denied", "Choose a folder that can be written."],
    EPERM: ["permission denied", "Choose a folder that can be written."],
    ENOTDIR: ["a part of the path is no folder", "Choose another folder."],
  };
  const [reason, todo] = known[error.code ?? ""] ?? [];
  if (reason === undefined || todo === undefined) return error;
  return new RemoteError(`${what}: ${reason}.`, { todo, cause: error });
}
