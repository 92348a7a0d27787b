import { CommandError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exec } from "../ports/exec.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { runContainer } from "./container-node.ts";
import {
  absentProgram,
  type ContainerOptions,
  cleaningTime,
  type Docker,
  type DockerCli,
  label,
  mountFlags,
  must,
} from "./docker-cli.ts";
import { sweep } from "./docker-sweep.ts";
import type { ImageFacts, Target } from "./node.ts";

export interface ContainerPorts {
  readonly exec: Exec;
  readonly clock: Pick<Clock, "now">;
  readonly files: Pick<Files, "readdir" | "readFile">;
  readonly log: Pick<Log, "warning">;
  /** The run's: aborted, it leaves nothing to do but to take away what was made. */
  readonly signal: AbortSignal;
}

/** An image in the local Docker, on a network of its own. */
export async function containerTarget(
  options: ContainerOptions,
  ports: ContainerPorts,
): Promise<Target> {
  const { image, id, env, root } = options;
  const { exec, clock, signal, log } = ports;
  const docker: Docker =
    (until) =>
    (...args) =>
      exec("docker", args, { env, signal: until });
  const close = () =>
    sweep(id, docker(AbortSignal.timeout(cleaningTime)), { log, late: signal.aborted });
  try {
    const network = await networkOf(id, docker(signal), clock);
    const under = (until: AbortSignal): Target => {
      const once = oneProgram(options, { docker, until });
      return {
        kind: "container",
        name: image,
        hostAddress: network.gateway,
        models: root,
        under,
        image: async () => ({
          ...(await imageFacts({ image, id }, docker(until))),
          ...(await sizeOf(root, once)),
        }),
        weights: () => hashes(options, once),
        start: (wanted) =>
          runContainer(
            { ...options, network: network.name, ahead: network.ahead, wanted },
            { ...ports, docker },
            until,
          ),
        close,
      };
    };
    return under(signal);
  } catch (error) {
    await close();
    throw error;
  }
}

interface NetworkFacts {
  readonly Created: string;
  readonly IPAM: { readonly Config: readonly { readonly Gateway?: string }[] };
}

/** Makes the run's network; what Docker writes of it also tells the engine's time. */
async function networkOf(id: string, docker: DockerCli, { now }: Pick<Clock, "now">) {
  const name = `director-image-${id}`;
  const before = now();
  await must(docker, "network", "create", "--label", label(id), name);
  const after = now();
  const [facts] = JSON.parse(await must(docker, "network", "inspect", name)) as [NetworkFacts];
  return {
    name,
    gateway: facts.IPAM.Config[0]?.Gateway?.split("/")[0] ?? "127.0.0.1",
    ahead: clockAhead(Date.parse(facts.Created), { before, after }),
  };
}

/** The least by which a clock is ahead that read `at` at some moment from `before` to `after` of this machine's. Pure; milliseconds. */
export function clockAhead(
  at: number,
  { before, after }: { readonly before: number; readonly after: number },
): number {
  if (at > after) return at - after;
  return at < before ? at - before : 0;
}

interface InspectedImage {
  /** Of an image, not of a container. */
  readonly Architecture?: string;
  readonly Config: {
    readonly User?: string;
    readonly Env?: readonly string[] | null;
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly ExposedPorts?: Readonly<Record<string, object>> | null;
    readonly Volumes?: Readonly<Record<string, object>> | null;
    readonly StopSignal?: string;
    readonly Healthcheck?: { readonly Test?: readonly string[] } | null;
    readonly Labels?: Readonly<Record<string, string>> | null;
  };
}

async function imageFacts(
  { image, id }: Pick<ContainerOptions, "image" | "id">,
  docker: DockerCli,
): Promise<ImageFacts> {
  const { Config } = await describedImage(image, id, docker);
  const env = (Config.Env ?? []).map((line) => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)] as const;
  });
  return {
    user: Config.User ?? "",
    env: Object.fromEntries(env),
    entrypoint: Config.Entrypoint ?? [],
    command: Config.Cmd ?? [],
    exposedPorts: Object.keys(Config.ExposedPorts ?? {}),
    volumes: Object.keys(Config.Volumes ?? {}),
    stopSignal: Config.StopSignal ?? "",
    healthcheck: Config.Healthcheck?.Test ?? [],
    labels: Config.Labels ?? {},
  };
}

/** Runs one program of the image in a container of its own, without a network, that is gone afterwards. */
type OneProgram = (
  program: string,
  args: readonly string[],
  flags?: readonly string[],
) => ReturnType<DockerCli>;

function oneProgram(
  { id, image }: ContainerOptions,
  { docker, until }: { readonly docker: Docker; readonly until: AbortSignal },
): OneProgram {
  return async (program, args, flags = []) => {
    const name = `director-image-${id}-${program}`;
    const own = ["--name", name, "--label", label(id), "--pull", "never", "--log-driver", "none"];
    const shut = ["--network", "none", "--read-only", ...flags];
    try {
      return await docker(until)("run", ...own, ...shut, "--entrypoint", program, image, ...args);
    } finally {
      // Not --rm: a client that is killed leaves it, and the program in it runs on.
      await docker(AbortSignal.timeout(cleaningTime))("rm", "--force", "--volumes", name);
    }
  };
}

/**
 * Docker's containerd store does not fetch layers that are unpacked already, and says nothing of an image whose layers are not all there as
 * they came: a container of it, which is made and never started, has the same configuration.
 */
async function describedImage(
  image: string,
  id: string,
  docker: DockerCli,
): Promise<InspectedImage> {
  const [told] = JSON.parse(await must(docker, "image", "inspect", image)) as [InspectedImage];
  if (told.Architecture !== "") return told;
  const container = (await must(docker, "create", "--label", label(id), image)).trim();
  try {
    const [made] = JSON.parse(await must(docker, "inspect", container)) as [InspectedImage];
    return made;
  } finally {
    await docker("rm", "--force", "--volumes", container);
  }
}

/** The image on disk without its models, by its own du, as root: some folders are for nobody else. */
async function sizeOf(root: string, once: OneProgram): Promise<{ bytesWithoutModels?: number }> {
  const { code, stdout } = await once("du", ["-sxB1", `--exclude=${root}`, "/"], ["--user", "0"]);
  const bytes = Number(stdout.split("\t")[0]);
  return code === 0 && bytes > 0 ? { bytesWithoutModels: bytes } : {};
}

/** Hashes every file below the models' root, baked or mounted, at the speed of the image's own sha256sum. */
async function hashes(
  { root, mounts }: Pick<ContainerOptions, "root" | "mounts">,
  once: OneProgram,
): Promise<ReadonlyMap<string, string>> {
  const find = [root, "-type", "f", "-exec", "sha256sum", "{}", "+"];
  const { code, stdout, stderr } = await once("find", find, mountFlags(mounts));
  if (code !== 0) {
    const absent = absentProgram(stderr);
    const why = absent === undefined ? stderr.trim() : `the image has no ${absent}`;
    throw new CommandError(`The weights that are there cannot be hashed: ${why}.`);
  }
  return new Map(
    stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => [line.slice(66).slice(root.length + 1), line.slice(0, 64)]),
  );
}
