import { hostname } from "node:os";
import { performance } from "node:perf_hooks";
import { isError } from "./errors.ts";

/**
 * Which process a temporary file or a lock belongs to, as a piece of a file's name: `<process id>.<machine>.<start>`, the start in
 * milliseconds since 1970. Every container counts its processes from 1, so that this process may have the id of one long gone.
 */
export function thisProcess(): string {
  return `${process.pid}.${machine()}.${started()}`;
}

/** Whether that process is known to be gone; undefined for one of another machine. */
export function isGone(owner: string): boolean | undefined {
  const [, digits, host, start] = /^(\d+)\.([A-Za-z0-9-]+)(?:\.(\d+))?$/.exec(owner) ?? [];
  if (host !== machine()) return undefined;
  const pid = Number(digits);
  if (pid === process.pid) return Number(start) !== started();
  return !isRunning(pid);
}

function machine(): string {
  return hostname().replaceAll(/[^A-Za-z0-9-]/g, "-");
}

function started(): number {
  return Math.floor(performance.timeOrigin);
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isError(error) || error.code !== "ESRCH";
  }
}
