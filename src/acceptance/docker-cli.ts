import { CommandError } from "../errors.ts";
import type { ExecResult } from "../ports/exec.ts";

export interface ContainerOptions {
  /** An image that the local Docker has, by name, digest or id. */
  readonly image: string;
  /** Names of everything that is made: two runs side by side have different ones. */
  readonly id: string;
  /** Folder of the weights in the image. */
  readonly root: string;
  /** Values of `--mount`: models that are not in the image. */
  readonly mounts: readonly string[];
  /** Whether the node gets the machine's GPUs. */
  readonly gpus: boolean;
  /** Bytes of memory (and no swap beside them). */
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly env: Readonly<Record<string, string>>;
}

/** The docker command line; a refusal is a CommandError with what Docker said. */
export type DockerCli = (...args: readonly string[]) => Promise<ExecResult>;

/** The docker command line as long as a signal lets it run. */
export type Docker = (signal: AbortSignal) => DockerCli;

/** Milliseconds that taking away what was made may last, however the run ended. */
export const cleaningTime = 30_000;

/** By which everything that a run made can be found. */
export function label(id: string): string {
  return `network.nsn.director.acceptance=${id}`;
}

/** Standard output of a docker command that must succeed. */
export async function must(docker: DockerCli, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await docker(...args);
  if (code === 0) return stdout;
  throw new CommandError(`docker ${args.slice(0, 2).join(" ")} failed: ${stderr.trim()}`);
}

/** The program that Docker did not find in an image, by what it said. Pure. */
export function absentProgram(said: string): string | undefined {
  return /exec: "([^"]+)": (?:executable file not found|stat .*: no such file)/.exec(said)?.[1];
}

/** `--mount` for each. Pure. */
export function mountFlags(mounts: readonly string[]): readonly string[] {
  return mounts.flatMap((mount) => ["--mount", mount]);
}
