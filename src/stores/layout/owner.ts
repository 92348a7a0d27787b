import { hostname } from "node:os";
import { isError } from "../../errors.ts";

/** Which process a temporary file or a lock belongs to, as a piece of a file's name: `<machine>.<process id>`. */
export function thisProcess(): string {
  return `${hostname().replace(/[^A-Za-z0-9-]/g, "-")}.${process.pid}`;
}

/** Whether that process is known to be gone; undefined for one of another machine. */
export function isGone(owner: string): boolean | undefined {
  const dot = owner.lastIndexOf(".");
  const pid = Number(owner.slice(dot + 1));
  if (owner.slice(0, dot) !== thisProcess().slice(0, thisProcess().lastIndexOf(".")))
    return undefined;
  if (!Number.isSafeInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return isError(error) && error.code === "ESRCH";
  }
}
