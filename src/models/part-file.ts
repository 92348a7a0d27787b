import { randomUUID } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { isError } from "../errors.ts";
import { isGone, thisProcess } from "../owner.ts";
import type { Clock } from "../ports/clock.ts";
import type { Files } from "../ports/files.ts";

/** A part that nobody has written to for this long has been left, in milliseconds: sources that fall silent are given up earlier. */
const abandoned = 15 * 60_000;

export interface PartPorts {
  readonly files: Files;
  readonly clock: Pick<Clock, "now">;
}

/** A file that is being filled by this process alone. */
export interface PartFile {
  readonly path: string;
  /** Bytes that an earlier try left. */
  readonly size: number;
  /** Puts it, whole, at its place; what was there is replaced in one step. */
  finish(): Promise<void>;
  /** Leaves it for the next try. */
  leave(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * Claims what an earlier try left of a file, or begins anew. Parts lie beside the file: `<name>.<12 hex>.part` is free, a further ending
 * names the process that fills it. Of several processes that want one, the one whose rename succeeds has it.
 */
export async function claimPart(
  target: string,
  sha256: string,
  ports: PartPorts,
): Promise<PartFile> {
  const { files } = ports;
  const free = `${target}.${sha256.slice(0, 12)}.part`;
  const own = `${free}.${thisProcess()}.${randomUUID().slice(0, 8)}`;
  await files.mkdir(dirname(target), { recursive: true });
  for (const candidate of [free, ...(await leftParts(free, ports))]) {
    if (await renamed(candidate, own, files)) break;
  }
  const size = (await files.stat(own).catch(() => undefined))?.size ?? 0;
  return {
    path: own,
    size,
    finish: async () => {
      await files.chmod(own, 0o644);
      await files.rename(own, target);
    },
    leave: async () => {
      await renamed(own, free, files);
    },
    discard: () => files.rm(own, { force: true }),
  };
}

/** Parts whose process is gone. */
async function leftParts(free: string, { files, clock }: PartPorts): Promise<readonly string[]> {
  const folder = dirname(free);
  const prefix = `${basename(free)}.`;
  const names = (await files.readdir(folder)).filter((name) => name.startsWith(prefix));
  const left: string[] = [];
  for (const name of names) {
    const owner = name.slice(prefix.length, name.lastIndexOf("."));
    const path = join(folder, name);
    const state = await files.stat(path).catch(() => undefined);
    if (state === undefined) continue;
    const quiet = clock.now() - state.mtimeMs > abandoned;
    if (quiet || isGone(owner) === true) left.push(path);
  }
  return left;
}

async function renamed(from: string, to: string, files: Pick<Files, "rename">): Promise<boolean> {
  try {
    await files.rename(from, to);
    return true;
  } catch (error) {
    if (isError(error) && error.code === "ENOENT") return false;
    throw error;
  }
}
