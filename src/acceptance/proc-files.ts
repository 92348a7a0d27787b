import type { Files } from "../ports/files.ts";
import { descendants, parentOf } from "./proc.ts";

type ProcFiles = Pick<Files, "readdir" | "readFile">;

/** A process and all below it. */
export async function family(
  root: number,
  { readdir, readFile }: ProcFiles,
): Promise<ReadonlySet<number>> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      return [pid, parentOf(stat)] as const;
    }),
  );
  return descendants(root, new Map(all));
}

/** Numbers of the processes whose environment has a line. */
export async function withVariable(
  line: string,
  { readdir, readFile }: ProcFiles,
): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")),
  );
  return pids.filter((_, at) => environments[at]?.split("\0").includes(line));
}

/** One of the files of each process, those that are still there, one after the other. */
export async function texts(
  pids: Iterable<number | string>,
  name: "stat" | "status",
  { readFile }: Pick<ProcFiles, "readFile">,
): Promise<string> {
  const all = [...pids].map((pid) => readFile(`/proc/${pid}/${name}`, "utf8").catch(() => ""));
  return (await Promise.all(all)).join("");
}
