import type { Clock } from "../ports/clock.ts";
import type { Exec } from "../ports/exec.ts";
import { runContainer } from "./container-node.ts";
import { type ContainerOptions, type DockerCli, label, mountFlags, must } from "./docker-cli.ts";
import type { ImageFacts, RunningNode, Target } from "./node.ts";

export interface ContainerPorts {
  readonly exec: Exec;
  readonly clock: Pick<Clock, "now">;
}

/** An image in the local Docker, on a network of its own. */
export async function containerTarget(
  options: ContainerOptions,
  { exec, clock }: ContainerPorts,
): Promise<Target> {
  const { image, mounts, id, env, root } = options;
  const docker: DockerCli = (...args) => exec("docker", args, { env });
  const network = `director-image-${id}`;
  await must(docker, "network", "create", "--label", label(id), network);
  const nodes: RunningNode[] = [];
  const close = async () => {
    await Promise.all(nodes.splice(0).map((node) => node.remove()));
    await docker("network", "rm", network);
  };
  try {
    const [facts] = JSON.parse(await must(docker, "network", "inspect", network)) as [NetworkFacts];
    return {
      kind: "container",
      name: image,
      hostAddress: facts.IPAM.Config[0]?.Gateway?.split("/")[0] ?? "127.0.0.1",
      image: () => imageFacts(options, docker),
      weights: () => hashes({ image, mounts, root }, docker),
      start: async (wanted) => {
        const node = await runContainer({ ...options, network, wanted }, { docker, clock });
        nodes.push(node);
        return node;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface NetworkFacts {
  readonly IPAM: { readonly Config: readonly { readonly Gateway?: string }[] };
}

interface Inspected {
  readonly Config: {
    readonly User?: string;
    readonly Env?: readonly string[] | null;
    readonly Entrypoint?: readonly string[] | null;
    readonly ExposedPorts?: Readonly<Record<string, object>> | null;
    readonly Volumes?: Readonly<Record<string, object>> | null;
    readonly StopSignal?: string;
    readonly Healthcheck?: { readonly Test?: readonly string[] } | null;
    readonly Labels?: Readonly<Record<string, string>> | null;
  };
}

/**
 * The image's configuration, by a container of it that is not started: `docker image inspect` gives an empty one for an image some of whose
 * layers were there unpacked and were therefore not pulled (containerd's store; every candidate after the first is such an image).
 */
async function imageFacts(
  { image, root, id }: Pick<ContainerOptions, "image" | "root" | "id">,
  docker: DockerCli,
): Promise<ImageFacts> {
  const create = ["create", "--network", "none", "--label", label(id)];
  const container = (await must(docker, ...create, image, "no-command")).trim();
  const text = await must(docker, "inspect", container).finally(() =>
    docker("rm", "--force", "--volumes", container),
  );
  const [{ Config }] = JSON.parse(text) as [Inspected];
  const env = (Config.Env ?? []).map((line) => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)] as const;
  });
  return {
    user: Config.User ?? "",
    env: Object.fromEntries(env),
    entrypoint: Config.Entrypoint ?? [],
    exposedPorts: Object.keys(Config.ExposedPorts ?? {}),
    volumes: Object.keys(Config.Volumes ?? {}),
    stopSignal: Config.StopSignal ?? "",
    healthcheck: Config.Healthcheck?.Test ?? [],
    labels: Config.Labels ?? {},
    ...(await sizeOf(image, root, docker)),
  };
}

/** The image on disk without its models, by its own du, as root: some folders are for nobody else. */
async function sizeOf(
  image: string,
  root: string,
  docker: DockerCli,
): Promise<{ bytesWithoutModels?: number }> {
  const run = ["run", "--rm", "--network", "none", "--read-only", "--user", "0"];
  const du = ["--entrypoint", "du", image, "-sxB1", `--exclude=${root}`, "/"];
  const { code, stdout } = await docker(...run, ...du);
  const bytes = Number(stdout.split("\t")[0]);
  return code === 0 && bytes > 0 ? { bytesWithoutModels: bytes } : {};
}

/** Hashes every file below the models' root, baked or mounted, at the speed of the image's own sha256sum. */
async function hashes(
  { image, mounts, root }: Pick<ContainerOptions, "image" | "mounts" | "root">,
  docker: DockerCli,
): Promise<ReadonlyMap<string, string>> {
  const run = ["run", "--rm", "--network", "none", "--read-only", ...mountFlags(mounts)];
  const find = ["--entrypoint", "find", image, root, "-type", "f", "-exec", "sha256sum", "{}", "+"];
  const listed = await must(docker, ...run, ...find);
  return new Map(
    listed
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => [line.slice(66).slice(root.length + 1), line.slice(0, 64)]),
  );
}
