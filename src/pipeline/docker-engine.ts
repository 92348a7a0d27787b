import { CommandError } from "../errors.ts";
import type { Platform } from "../images/platform.ts";
import type { Ports } from "./ports.ts";

/** The Docker engine that the `docker` command talks to. */
export interface DockerEngine {
  /** Of the containers that it runs. */
  readonly platform: Platform;
  /** Such as `28.5.1`. */
  readonly version: string;
  /** Processors of its machine: a container that asks for more is refused. */
  readonly cpus: number;
  /** Folder of its data, on its own machine. */
  readonly root: string;
}

interface Version {
  readonly Os: string;
  readonly Arch: string;
  readonly Version: string;
}

interface Info {
  readonly NCPU: number;
  readonly DockerRootDir: string;
  readonly OperatingSystem?: string;
  readonly SecurityOptions?: readonly string[] | null;
}

/** Asks the engine what it is; a string says why there is none on this machine. */
export async function dockerEngine({
  exec,
  env,
}: Pick<Ports, "exec" | "env">): Promise<DockerEngine | string> {
  const ask = async (format: string, ...command: readonly string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await exec("docker", [...command, "--format", format], {
      env,
    });
    if (code !== 0) throw new CommandError(stderr.trim().split("\n").at(-1) ?? "");
    return JSON.parse(stdout);
  };
  try {
    const server = (await ask("{{json .Server}}", "version")) as Version;
    const info = (await ask("{{json .}}", "info")) as Info;
    const endpoint = await ask("{{json .Endpoints.docker.Host}}", "context", "inspect");
    if (!/^(unix|npipe):/.test(String(endpoint)))
      return `it is on another machine (${endpoint}), and nodes are looked at from this one`;
    if (
      info.OperatingSystem === "Docker Desktop" ||
      info.SecurityOptions?.includes("name=rootless")
    )
      return "its networks cannot be reached from this machine (rootless Docker, or Docker Desktop)";
    return {
      platform: `${server.Os}/${server.Arch}`,
      version: server.Version,
      cpus: info.NCPU,
      root: info.DockerRootDir,
    };
  } catch (error) {
    return error instanceof CommandError ? error.message : "its answer is no JSON";
  }
}
