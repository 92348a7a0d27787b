import { join } from "node:path";
import { gte } from "semver";
import { CommandError } from "../errors.ts";
import type { Exec } from "../ports/exec.ts";
import type { Files } from "../ports/files.ts";
import { type Docker, run } from "./docker.ts";
import { fillDockerFolder, type Login } from "./docker-folder.ts";
import { type InstallPorts, installBuildx } from "./install.ts";
import { buildxAsset, type Machine } from "./release.ts";

/** `--progress=rawjson` came with 0.13, `--annotation` with 0.12. */
const oldestBuildx = "0.13.0";

export interface SetUpRequest {
  /** The environment that docker runs in; `DOCKER_CONFIG`, or `HOME`, says where its configuration is. */
  readonly env: Readonly<Record<string, string>>;
  /** Sent to this registry alone; undefined: the log-ins that are there. */
  readonly login: Login | undefined;
  readonly buildxVersion: string;
  readonly downloadMirror: string | undefined;
  readonly machine: Machine;
  /** A folder for what lives as long as the run. */
  readonly scratch: string;
}

export interface SetUpPorts extends InstallPorts {
  readonly exec: Exec;
  readonly files: Files;
  readonly signal?: AbortSignal;
}

/** docker with a buildx that serves, and how to take away what was made for it (log-ins). */
export interface SetUp {
  readonly docker: Docker;
  readonly buildx: string;
  remove(): Promise<void>;
}

/** Finds docker and buildx, and installs the pinned buildx where it is missing or too old. */
export async function setUpDocker(request: SetUpRequest, ports: SetUpPorts): Promise<SetUp> {
  const { env, login, scratch } = request;
  const { exec, files, log, signal } = ports;
  const found = await findBuildx({ exec, env }, signal);
  const serves = found !== undefined && gte(found, oldestBuildx);
  if (serves && login === undefined)
    return { docker: { exec, env }, buildx: found, remove: async () => undefined };
  if (!serves) log.info(missing(found));
  const plugin = serves ? undefined : await install(request, ports);
  const original = env["DOCKER_CONFIG"] || join(env["HOME"] ?? "/", ".docker");
  const folder = await files.mkdtemp(join(scratch, "docker-"));
  const remove = () => files.rm(folder, { recursive: true, force: true });
  try {
    const variables = await fillDockerFolder({ original, folder, login, plugin }, files);
    const docker = { exec, env: { ...variables, ...env, DOCKER_CONFIG: folder } };
    const buildx = serves ? found : await findBuildx(docker, signal);
    if (buildx === undefined)
      throw new CommandError("docker does not start the buildx that was installed.");
    return { docker, buildx, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

function install(request: SetUpRequest, ports: SetUpPorts): Promise<string> {
  const { buildxVersion, machine, downloadMirror, scratch } = request;
  return installBuildx(buildxAsset(buildxVersion, machine, downloadMirror), scratch, ports);
}

/** The version of the buildx that docker finds; undefined where there is none. Without docker itself: a CommandError. */
export async function findBuildx(
  docker: Docker,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const stoppable = signal === undefined ? {} : { signal };
  const result = await run(docker, ["buildx", "version"], stoppable).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw new CommandError("There is no docker on this machine.", {
      todo: "Install the Docker CLI and engine (docs.docker.com/engine/install), or run on a machine that has them.",
      cause,
    });
  });
  const version = /\bbuildx v?(\d+\.\d+\.\d+)/.exec(result.stdout)?.[1];
  return result.code === 0 ? version : undefined;
}

function missing(found: string | undefined): string {
  return found === undefined
    ? "docker has no buildx."
    : `buildx ${found} is too old (${oldestBuildx} is needed).`;
}
