import type { NodeProcess, Usage } from "./node.ts";

/** Prints every process's status; the same words for a container and for this machine. */
export const statusScript = "cat /proc/[0-9]*/status 2>/dev/null; true";

/** Reads one /proc/PID/status after the other. Pure. */
export function parseStatuses(text: string): readonly NodeProcess[] {
  return text
    .split(/^(?=Name:)/m)
    .filter((status) => status.startsWith("Name:"))
    .map((status) => {
      const field = (name: string) =>
        new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";
      return {
        name: field("Name"),
        pid: Number(field("Pid")),
        users: (field("Uid").match(/\d+/g) ?? []).map(Number),
        noNewPrivileges: field("NoNewPrivs") === "1",
        zombie: field("State").startsWith("Z"),
      };
    });
}

/** Whether a process is one user in all four senses: the others are what it was or may become again (credentials(7)). Pure. */
export function isUserOnly({ users }: Pick<NodeProcess, "users">, user: number): boolean {
  return users.length === 4 && users.every((one) => one === user);
}

/** The files of a container's own control group, of version 2 and of version 1 (kernel documentation, "cgroup-v2", "cgroup-v1"). */
export const usageFiles = [
  "/sys/fs/cgroup/cpu.stat",
  "/sys/fs/cgroup/memory.peak",
  "/sys/fs/cgroup/cpu/cpu.stat",
  "/sys/fs/cgroup/cpuacct/cpuacct.usage",
  "/sys/fs/cgroup/memory/memory.max_usage_in_bytes",
];

/** Reads `grep -H "" FILES`; undefined where the kernel does not tell processor time. Pure. */
export function parseUsage(text: string): Usage | undefined {
  const value = (file: string, key = "") => {
    const pattern = new RegExp(`/${file}:${key === "" ? "" : `${key} `}(\\d+)$`, "m");
    const found = pattern.exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const microseconds = value("cpu.stat", "usage_usec");
  const nanoseconds = value("cpuacct.usage");
  const cpuSeconds =
    microseconds !== undefined
      ? microseconds / 1e6
      : nanoseconds === undefined
        ? undefined
        : nanoseconds / 1e9;
  if (cpuSeconds === undefined) return undefined;
  const memoryPeakBytes = value("memory.peak") ?? value("memory.max_usage_in_bytes");
  const [periods, of] = [value("cpu.stat", "nr_throttled"), value("cpu.stat", "nr_periods")];
  return {
    cpuSeconds,
    ...(memoryPeakBytes === undefined ? {} : { memoryPeakBytes }),
    ...(periods === undefined || of === undefined ? {} : { throttled: { periods, of } }),
  };
}

/** The processes below one, itself included, by their parents. Pure; `statuses` are those of the whole machine. */
export function descendants(
  root: number,
  parents: ReadonlyMap<number, number>,
): ReadonlySet<number> {
  const found = new Set([root]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const [pid, parent] of parents) {
      if (!found.has(parent) || found.has(pid)) continue;
      found.add(pid);
      grown = true;
    }
  }
  return found;
}

/** Fields of /proc/PID/stat (proc(5)), counted from 1; the second, a name in brackets, may hold anything. */
function fieldsOf(stat: string): (number: number) => number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (number) => Number(fields[number - 3] ?? Number.NaN);
}

/** The parent's number in a /proc/PID/stat. Pure. */
export function parentOf(stat: string): number {
  return fieldsOf(stat)(4);
}

/** Clock ticks a second, as Linux tells them to programs on every machine that counts. */
const ticks = 100;

/**
 * What processes used, from their /proc/PID/stat (own time and that of children which have ended) and /proc/PID/status (the highest resident
 * size of each; the sum may be above what was used at one moment). Pure.
 */
export function usageOf(stats: string, statuses: string): Usage {
  const used = stats
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => [14, 15, 16, 17].reduce((sum, number) => sum + fieldsOf(line)(number), 0));
  const peaks = [...statuses.matchAll(/^VmHWM:\s*(\d+) kB$/gm)].map(([, kB]) => Number(kB) * 1024);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return { cpuSeconds: sum(used) / ticks, memoryPeakBytes: sum(peaks) };
}
