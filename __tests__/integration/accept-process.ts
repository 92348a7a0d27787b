import { EventEmitter, once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { AcceptResult } from "../../src/results/stages.ts";
import { miniatureLock, pullMiniature } from "./miniature.ts";
import { output, run } from "./workspace.ts";

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

export interface Accepted {
  readonly code: number;
  readonly result: AcceptResult;
  /** Names of the checks by their verdict. */
  readonly of: (verdict: string) => readonly string[];
  /** Reasons of those that failed, by their name. */
  readonly failures: Readonly<Record<string, string | undefined>>;
  /** What the run has left behind. */
  readonly left: { readonly processes: readonly string[]; readonly files: readonly string[] };
}

const node = join("node_modules", ".bin", "node");
const cache =
  process.env["DIRECTOR_IMAGE_DEV_CACHE"] || join(homedir(), ".cache", "director-image-dev");

export async function bench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "accept-"));
  const models = await pullMiniature(folder);
  const uv = await output(join("scripts", "setup", "python-tool.sh"), "uv");
  await output(uv, "sync", "--locked", "--quiet", "--project", "vortex");
  const build = ["build", "--locked", "--quiet", "--manifest-path", "director/Cargo.toml"];
  const target = join(cache, "rust-target");
  const built = await run("cargo", build, undefined, { CARGO_TARGET_DIR: target });
  if (built.code !== 0) throw new Error(built.stderr);
  const [root, director] = [process.cwd(), join(target, "debug", "nsn-director")];
  const accept = async (command: string, options: AcceptRun = {}) => {
    const temporary = await mkdtemp(join(folder, "run-"));
    const path = [options.path, join(root, "vortex", ".venv", "bin"), process.env["PATH"]];
    const said = await run(
      node,
      [
        ...["src/cli.ts", "accept", "--process", command, "--lock", miniatureLock, "--json"],
        ...["--models-path", options.models ?? models, "--acceptance-slots", "1"],
        ...(options.inputs ?? ["--gpu", "off"]),
      ],
      undefined,
      {
        PATH: path.filter((part) => part !== undefined).join(":"),
        PYTHONPATH: join(root, "vortex"),
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

function views(result: AcceptResult): Pick<Accepted, "result" | "of" | "failures"> {
  return {
    result,
    of: (verdict) =>
      result.checks.filter((check) => check.verdict === verdict).map(({ name }) => name),
    failures: Object.fromEntries(
      result.checks.flatMap(({ name, verdict, reason }) =>
        verdict === "failed" ? [[name, reason]] : [],
      ),
    ),
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

/** Does the work for every item, so many at a time; each result can be waited for by itself. */
export function sideBySide<T extends { readonly name: string }, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): (name: string) => Promise<R> {
  const queue = items.map((item) => {
    const started = new EventEmitter();
    const result = once(started, "start").then(() => work(item));
    result.catch(() => undefined);
    return { name: item.name, started, result };
  });
  const rest = queue.values();
  const worker = async () => {
    for (const { started, result } of rest) {
      started.emit("start");
      await result.catch(() => undefined);
    }
  };
  for (let at = 0; at < limit; at += 1) void worker();
  return (name) =>
    queue.find((one) => one.name === name)?.result ?? Promise.reject(new Error(`no ${name}`));
}
