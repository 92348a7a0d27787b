import { join } from "node:path";
import { CommandError } from "../errors.ts";
import type { Exec, ExecResult } from "../ports/exec.ts";
import type { Files } from "../ports/files.ts";

/** Trivy on this machine. */
export interface Trivy {
  readonly path: string;
  readonly version: string;
}

export interface ProgramPorts {
  readonly exec: Exec;
  readonly files: Pick<Files, "mkdir" | "mkdtemp" | "writeFile" | "rm">;
  readonly signal?: AbortSignal;
}

/**
 * Runs Trivy where nothing of the workspace or of the run's variables reaches it (`trivy.yaml`, `.trivyignore`, `TRIVY_*`, log-ins, proxies):
 * in an empty folder below `scratch`, which is its home, too, and is gone afterwards.
 */
export async function runTrivy(
  path: string,
  args: readonly string[],
  scratch: string,
  { exec, files, signal }: ProgramPorts,
): Promise<ExecResult> {
  const home = await files.mkdtemp(join(scratch, "trivy-"));
  const place = (name: string) => join(home, name);
  try {
    for (const name of ["work", "tmp", "docker"]) await files.mkdir(place(name));
    await files.writeFile(join(home, "docker", "config.json"), "{}\n");
    return await exec(path, args, {
      cwd: place("work"),
      env: {
        ...{ HOME: home, TMPDIR: place("tmp"), DOCKER_CONFIG: place("docker") },
        ...{ XDG_CACHE_HOME: place("cache"), XDG_CONFIG_HOME: place("config") },
        ...{ XDG_DATA_HOME: place("data"), XDG_RUNTIME_DIR: place("run"), LANG: "C.UTF-8" },
      },
      ...(signal === undefined ? {} : { signal }),
    });
  } finally {
    await files.rm(home, { recursive: true, force: true });
  }
}

/** What Trivy says of itself; undefined where there is no such program. */
export async function versionOf(
  path: string,
  scratch: string,
  ports: ProgramPorts,
): Promise<string | undefined> {
  try {
    const { code, stdout } = await runTrivy(path, ["version", "--format", "json"], scratch, ports);
    const value = code === 0 ? (JSON.parse(stdout) as { Version?: unknown }) : {};
    return typeof value.Version === "string" ? value.Version : undefined;
  } catch (error) {
    ports.signal?.throwIfAborted();
    if (error instanceof CommandError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Trivy's last complaint, without the time: what a failed run is told by. */
export function complaint({ stdout, stderr }: Pick<ExecResult, "stdout" | "stderr">): string {
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  const fatal = lines.findLast((line) => /\b(FATAL|ERROR)\b/.test(line)) ?? lines.at(-1) ?? "";
  return fatal.replace(/^\S+Z\s+/, "").trim() || "it said nothing";
}
