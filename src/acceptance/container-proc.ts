import { basename, dirname, join } from "node:path";
import type { Files } from "../ports/files.ts";
import { usageFiles } from "./proc.ts";
import { processesHere } from "./process-family.ts";

/** What this machine's kernel tells of a container: independent of what is in its image. */
export interface SeenFromHere {
  /** /proc/PID/status of its processes, one after the other. */
  readonly statuses: string;
  /** Its control group's figures, as `grep -H "" FILES` prints them inside. */
  readonly usage: string;
}

/** Looks at a container's processes; undefined where Docker runs them on another machine, whose numbers mean others here. */
export async function seenFromHere(
  container: string,
  pids: ReadonlySet<number>,
  files: Pick<Files, "readdir" | "readFile">,
): Promise<SeenFromHere | undefined> {
  const read = (path: string) => files.readFile(path, "utf8").catch(() => "");
  const all = [...pids, ...(await zombiesOf(pids, files))];
  const processes = await Promise.all(
    all.map(async (pid) => ({
      group: groupOf(await read(`/proc/${pid}/cgroup`), container),
      status: await read(`/proc/${pid}/status`),
    })),
  );
  const own = processes.filter(({ group }) => group !== undefined);
  const group = own[0]?.group;
  if (group === undefined) return undefined;
  const figures = await Promise.all(
    usageFiles.map(async (file) =>
      (await read(join(dirname(file), group, basename(file)))).replaceAll(/^(?=.)/gm, `${file}:`),
    ),
  );
  return { statuses: own.map(({ status }) => status).join(""), usage: figures.join("") };
}

/** The children of processes that have ended and that nobody has waited for: no control group lists them (cgroups(7)). */
async function zombiesOf(
  pids: ReadonlySet<number>,
  files: Pick<Files, "readdir" | "readFile">,
): Promise<readonly number[]> {
  return (await processesHere(files))
    .filter(({ state, parent }) => state === "Z" && pids.has(parent))
    .map(({ pid }) => pid);
}

/** A container's control group by a /proc/PID/cgroup (cgroups(7)); undefined for a process that is not in it. Pure. */
export function groupOf(text: string, container: string): string | undefined {
  return text
    .split("\n")
    .map((line) => line.split(":").slice(2).join(":"))
    .find((path) => path.includes(container));
}
