import { CommandError } from "../errors.ts";
import type { Exec, ExecOptions, ExecResult } from "../ports/exec.ts";

/** The `docker` program with the environment that it is always given (`DOCKER_CONFIG`, `DOCKER_HOST`, `BUILDX_CONFIG`, PATH, …). */
export interface Docker {
  readonly exec: Exec;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs docker with more environment where given. Its exit status is the caller's to judge. */
export function run(
  { exec, env }: Docker,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  return exec("docker", args, { ...options, env: { ...env, ...options.env } });
}

/** Runs docker and gives its standard output; a CommandError says what it said. */
export async function output(
  docker: Docker,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(docker, args, options);
  if (code === 0) return stdout;
  throw noDaemon(stderr) ?? refused(args, code, stderr);
}

/** The error of an engine or BuildKit that does not answer; undefined where the text does not say so. */
export function noDaemon(stderr: string, cause?: unknown): CommandError | undefined {
  const line = stderr
    .split("\n")
    .find((text) =>
      /cannot connect to the docker daemon|error during connect|is the docker daemon running|failed to connect to the docker API|listing workers for Build|connection error: desc|no such host.*buildkit/i.test(
        text,
      ),
    );
  if (line === undefined) return undefined;
  return new CommandError(`Docker does not answer: ${line.replace(/^ERROR: /, "").trim()}`, {
    todo: "Start the engine (systemctl start docker), or point DOCKER_HOST or the input driver-opts (endpoint=…) at one that runs.",
    cause,
  });
}

export function refused(args: readonly string[], code: number, stderr: string): CommandError {
  const said = stderr.trim().split("\n").slice(-5).join("\n  ");
  return new CommandError(
    `docker ${args.slice(0, 2).join(" ")} failed (exit ${code}): ${said || "it said nothing."}`,
  );
}
