import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";

const root = join(import.meta.dirname, "../..");
const node = join(root, "node_modules/.bin/node");

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Said>;
}

/** A folder to work in, with a temporary folder of its own so that a test sees what is left there. */
export interface Desk {
  readonly folder: string;
  readonly temporary: string;
  write(path: string, content: string | Uint8Array): Promise<string>;
  /** The command line as a process, run from its sources. */
  cli(args: readonly string[], env?: Environment): Promise<Said>;
  start(args: readonly string[], env?: Environment, how?: How): Running;
  remove(): Promise<void>;
}

type Environment = Readonly<Record<string, string>>;

interface How {
  /** In a process group of its own, so that a test can press Ctrl-C there. */
  readonly detached?: boolean;
}

export async function openDesk(common: Environment = {}): Promise<Desk> {
  const folder = await mkdtemp(join(tmpdir(), "desk-"));
  const temporary = join(folder, "tmp");
  await mkdir(temporary);
  const running = new Set<Running>();
  const start = (args: readonly string[], env: Environment = {}, how: How = {}): Running => {
    const child = spawn(node, [join(root, "src/cli.ts"), ...args], {
      ...how,
      cwd: folder,
      env: { ...withoutRunner(process.env), TMPDIR: temporary, ...common, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const one = { child, ended: said(child) };
    running.add(one);
    child.once("close", () => running.delete(one));
    return one;
  };
  return {
    folder,
    temporary,
    write: async (path, content) => {
      const place = join(folder, path);
      await mkdir(dirname(place), { recursive: true });
      await writeFile(place, content);
      return place;
    },
    start,
    cli: (args, env) => start(args, env).ended,
    remove: async () => {
      for (const { child, ended } of running) {
        child.kill("SIGKILL");
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The machine's variables without those of a workflow, or of somebody's own hub. */
function withoutRunner(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(variables).filter(
      ([name]) => !/^(GITHUB_|RUNNER_|INPUT_|HF_|NODE_OPTIONS$|JEST_)/.test(name),
    ),
  );
}

async function said(child: ChildProcess): Promise<Said> {
  const texts = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream]?.setEncoding("utf8").on("data", (piece: string) => {
      texts[stream] += piece;
    });
  const [code] = await once(child, "close");
  return { code: code as number | null, ...texts };
}

/** Waits until something holds; an error that names it after twenty seconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await holds()); await setTimeout(20))
    if (Date.now() > deadline) throw new Error(`${what}: did not come about`);
}

/** Splits a line as a POSIX shell does, quotes included. */
export function words(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}
