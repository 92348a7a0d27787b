import { basename, dirname, join } from "node:path";
import type { Files } from "../ports/files.ts";
import { usageFiles } from "./proc.ts";

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
  { readFile }: Pick<Files, "readFile">,
): Promise<SeenFromHere | undefined> {
  const read = (path: string) => readFile(path, "utf8").catch(() => "");
  const processes = await Promise.all(
    [...pids].map(async (pid) => ({
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

/** A container's control group by a /proc/PID/cgroup (cgroups(7)); undefined for a process that is not in it. Pure. */
export function groupOf(text: string, container: string): string | undefined {
  return text
    .split("\n")
    .map((line) => line.split(":").slice(2).join(":"))
    .find((path) => path.includes(container));
}
