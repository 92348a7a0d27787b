import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Views, views } from "./accepted.ts";
import { buildDirector } from "./director.ts";
import { miniatureLock, pullMiniature } from "./miniature.ts";
import { run } from "./workspace.ts";

/** The Director as cargo builds it, the miniature's weights, and `accept --process` with both. */
export interface Bench {
  readonly folder: string;
  readonly director: string;
  readonly models: string;
  readonly accept: (command: string, options?: AcceptRun) => Promise<Accepted>;
  readonly remove: () => Promise<void>;
}

interface AcceptRun {
  readonly inputs?: readonly string[];
  /** Before the PATH of the others. */
  readonly path?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly models?: string;
}

export interface Accepted extends Views {
  readonly code: number;
  /** What the run has left behind. */
  readonly left: { readonly processes: readonly string[]; readonly files: readonly string[] };
}

const node = join("node_modules", ".bin", "node");

export async function bench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "accept-"));
  const models = await pullMiniature(folder);
  const { program: director, env } = await buildDirector();
  const accept = async (command: string, options: AcceptRun = {}) => {
    const temporary = await mkdtemp(join(folder, "run-"));
    const path = [options.path, env["PATH"]];
    const said = await run(
      node,
      [
        ...["src/cli.ts", "accept", "--process", command, "--lock", miniatureLock, "--json"],
        ...["--models-path", options.models ?? models, "--acceptance-slots", "1"],
        ...(options.inputs ?? ["--gpu", "off"]),
      ],
      undefined,
      {
        ...env,
        PATH: path.filter((part) => part !== undefined).join(":"),
        ...options.env,
        RUNNER_TEMP: temporary,
      },
    );
    if (said.code > 1) throw new Error(said.stderr);
    return { code: said.code, ...views(JSON.parse(said.stdout)), left: await leftOf(temporary) };
  };
  return {
    ...{ folder, director, models, accept },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** What a run has left behind two seconds after its end: processes whose environment names its folder, and what is in that folder. */
async function leftOf(temporary: string): Promise<Accepted["left"]> {
  for (const until = Date.now() + 2_000; ; ) {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    const all = await Promise.all(
      pids.map(async (pid) => {
        const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
        if (!environment.includes(temporary)) return [];
        const line = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
        return [line.replaceAll("\0", " ").trim()];
      }),
    );
    const left = { processes: all.flat(), files: await readdir(temporary) };
    if (Date.now() > until || left.processes.length + left.files.length === 0) return left;
    await setTimeout(100);
  }
}
