import type { Files } from "../ports/files.ts";
import { descendants, parentOf } from "./proc.ts";

type ProcFiles = Pick<Files, "readdir" | "readFile">;

/** A process of this machine, by its /proc/PID/stat (proc(5)). */
interface Seen {
  readonly pid: number;
  /** A letter: `Z` for one that has ended and that nobody has waited for. */
  readonly state: string;
  readonly parent: number;
  readonly session: number;
}

/** Every process of this machine. */
export async function processesHere({ readdir, readFile }: ProcFiles): Promise<readonly Seen[]> {
  const names = await readdir("/proc").catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const all = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      return { pid, parent: parentOf(stat), ...stateOf(stat) };
    }),
  );
  return all.filter(({ state }) => state !== "" && state !== "X");
}

/**
 * The processes that one has started, itself included, as long as they live; `zombies`: and those whose end nobody has waited for. Who has
 * lost its parent is known by its session (setsid(2)): a sidecar has a process group of its own, and may outlive whoever started it.
 */
export async function familyOf(
  leader: number,
  files: ProcFiles,
  zombies = false,
): Promise<ReadonlySet<number>> {
  const living = (await processesHere(files)).filter(({ state }) => zombies || state !== "Z");
  const parents = living.map(({ pid, parent, session }) => {
    const below = session === leader && pid !== leader ? leader : parent;
    return [pid, below] as const;
  });
  const family = descendants(leader, new Map(parents));
  return new Set(living.map(({ pid }) => pid).filter((pid) => family.has(pid)));
}

/** The state's letter and the session (fields 3 and 6). Pure. */
function stateOf(stat: string): Pick<Seen, "state" | "session"> {
  const [state = "", , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state, session: Number(session) };
}
