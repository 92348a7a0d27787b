import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

interface Process {
  readonly id: number;
  readonly parent: number;
  readonly command: string;
}

/**
 * Ends the one process whose command line has both texts, and all that it started, at once and without a word to them: what a runner
 * does to a step that does not end when it is cancelled.
 */
export async function endByForce(...texts: readonly string[]): Promise<void> {
  const all = await processes();
  const found = all.filter(({ command }) => texts.every((text) => command.includes(text)));
  const [main] = found;
  if (main === undefined || found.length > 1)
    throw new Error(`${found.length} processes have ${texts.join(" and ")} in their command line.`);
  for (const { id } of [main, ...descendants(main, all)]) process.kill(id, "SIGKILL");
}

function descendants({ id }: Process, all: readonly Process[]): readonly Process[] {
  const children = all.filter(({ parent }) => parent === id);
  return children.flatMap((child) => [child, ...descendants(child, all)]);
}

async function processes(): Promise<readonly Process[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const read = ids.map(async (id) => {
    const file = (name: string) => readFile(join("/proc", id, name), "utf8").catch(() => "");
    const status = await file("status");
    return {
      id: Number(id),
      parent: Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1] ?? 0),
      command: (await file("cmdline")).replaceAll("\0", " "),
    };
  });
  return Promise.all(read);
}
