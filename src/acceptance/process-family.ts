import type { Files } from "../ports/files.ts";
import { descendants, parentOf } from "./proc.ts";

/**
 * The processes that one has started, itself included, as long as they live; `zombies`: and those whose end nobody has waited for. Who has lost its parent is known by its session (setsid(2)): a
 * sidecar has a process group of its own, and may outlive whoever started it.
 */
export async function familyOf(
  leader: number,
  { readdir, readFile }: Pick<Files, "readdir" | "readFile">,
  zombies = false,
): Promise<ReadonlySet<number>> {
  const names = await readdir("/proc").catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      return { pid, stat, ...stateOf(stat) };
    }),
  );
  const living = stats.filter(
    ({ state }) => state !== "" && state !== "X" && (zombies || state !== "Z"),
  );
  const parents = living.map(({ pid, stat, session }) => {
    const parent = session === leader && pid !== leader ? leader : parentOf(stat);
    return [pid, parent] as const;
  });
  const family = descendants(leader, new Map(parents));
  return new Set(living.map(({ pid }) => pid).filter((pid) => family.has(pid)));
}

/** The state's letter and the session of a /proc/PID/stat (proc(5), fields 3 and 6). Pure. */
export function stateOf(stat: string): { readonly state: string; readonly session: number } {
  const [state = "", , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state, session: Number(session) };
}
