import type { Clock } from "../ports/clock.ts";
import { type ContainerOptions, type DockerCli, label, mountFlags, must } from "./docker-cli.ts";
import type { LogLine, NodeState, RunningNode, StartOptions } from "./node.ts";
import { parseStatuses, parseUsage, statusScript, usageFiles } from "./proc.ts";

/** The ports of a Director's image, as it exposes them. */
const exposed = ["9100/tcp", "50051/tcp", "9000/tcp", "9000/udp"] as const;

interface Run extends ContainerOptions {
  readonly network: string;
  readonly wanted: StartOptions;
}

interface Ports {
  readonly docker: DockerCli;
  readonly clock: Pick<Clock, "now">;
}

/** Starts a container; one that Docker refuses to start is still a node, whose state says why. */
export async function runContainer(run: Run, { docker, clock }: Ports): Promise<RunningNode> {
  const { network, wanted } = run;
  const container = `${network}-${wanted.name.replaceAll(/[^a-z0-9]+/g, "-")}`;
  const remove = async () => {
    await docker("rm", "--force", container);
    await docker("volume", "rm", "--force", volumeOf(container));
  };
  const started = clock.now();
  let place: Place;
  let refused: string | undefined;
  try {
    await must(docker, "volume", "create", "--label", label(run.id), volumeOf(container));
    const { code, stderr } = await docker("run", ...runArguments(run, container));
    if (code !== 0) refused = stderr.trim().replace(/\nRun 'docker run --help'[\s\S]*$/, "");
    place = await placeOf(container, network, docker);
  } catch (error) {
    await remove();
    throw error;
  }
  const state = async (): Promise<NodeState> => {
    const seen = stateOf((await inspect(container, docker))?.State);
    return refused === undefined ? seen : { ...seen, error: refused };
  };
  return {
    name: wanted.name,
    started,
    get http() {
      return new URL(`http://127.0.0.1:${place.ports["9100/tcp"]}`);
    },
    get grpc() {
      return `127.0.0.1:${place.ports["50051/tcp"]}`;
    },
    get p2p() {
      const { "9000/udp": udp, "9000/tcp": tcp } = place.ports;
      return { host: "127.0.0.1", udp, tcp };
    },
    get multiaddrs() {
      const host = `/ip4/${place.address}`;
      return { quic: `${host}/udp/9000/quic-v1`, tcp: `${host}/tcp/9000` };
    },
    state,
    logs: () => logsOf(container, docker),
    exec: (command, ...args) => docker("exec", container, command, ...args),
    pids: async () => {
      const listed = await docker("top", container, "-eo", "pid");
      return new Set(
        listed.stdout
          .split("\n")
          .slice(1)
          .map(Number)
          .filter((pid) => pid > 0),
      );
    },
    processes: async () =>
      parseStatuses(await must(docker, "exec", container, "sh", "-c", statusScript)),
    usage: async () =>
      parseUsage((await docker("exec", container, "grep", "-H", "", ...usageFiles)).stdout),
    signal: async (name) => void (await docker("kill", "--signal", name, container)),
    restart: async () => {
      await must(docker, "start", container);
      place = await placeOf(container, network, docker);
    },
    leftovers: async () => [],
    remove,
  };
}

function runArguments(run: Run, container: string): readonly string[] {
  const { id, network, image, mounts, gpus, memoryBytes, cpus, wanted } = run;
  const { peers, chainUrl, bare = false, hardened } = wanted;
  const environment = {
    SUBSTRATE_WS_URL: chainUrl,
    ...(peers.length === 0 ? {} : { P2P_BOOTSTRAP_PEERS: peers.join(",") }),
    ...(bare ? { MODELS_PATH: "/nonexistent" } : {}),
  };
  return [
    ...["--detach", "--name", container, "--label", label(id), "--network", network],
    ...exposed.flatMap((port) => ["--publish", `127.0.0.1::${port}`]),
    ...["--memory", String(memoryBytes), "--memory-swap", String(memoryBytes)],
    ...["--cpus", String(cpus), "--volume", `${volumeOf(container)}:/data`],
    ...(hardened ? hardening : []),
    ...(bare ? [] : mountFlags(mounts)),
    ...(gpus && !bare ? ["--gpus", "all"] : []),
    ...Object.entries(environment).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
    image,
  ];
}

const hardening = [
  ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
  ...["--read-only", "--tmpfs", "/tmp"],
];

function volumeOf(container: string): string {
  return `${container}-data`;
}

interface Inspected {
  readonly State: {
    readonly Running: boolean;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly FinishedAt: string;
    readonly Error: string;
    readonly Health?: { readonly Status: string };
  };
  readonly NetworkSettings: {
    readonly Ports?: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
}

async function inspect(container: string, docker: DockerCli): Promise<Inspected | undefined> {
  const { code, stdout } = await docker("inspect", container);
  return code === 0 ? (JSON.parse(stdout) as [Inspected])[0] : undefined;
}

interface Place {
  readonly address: string;
  readonly ports: Readonly<Record<(typeof exposed)[number], number>>;
}

/** Where it is reached; Docker gives other ports at every start. */
async function placeOf(container: string, network: string, docker: DockerCli): Promise<Place> {
  const seen = (await inspect(container, docker))?.NetworkSettings;
  const port = (name: (typeof exposed)[number]) => Number(seen?.Ports?.[name]?.[0]?.HostPort ?? 0);
  return {
    address: seen?.Networks[network]?.IPAddress ?? "",
    ports: {
      "9100/tcp": port("9100/tcp"),
      "50051/tcp": port("50051/tcp"),
      "9000/tcp": port("9000/tcp"),
      "9000/udp": port("9000/udp"),
    },
  };
}

function stateOf(state: Inspected["State"] | undefined): NodeState {
  if (state === undefined) return { running: false, outOfMemory: false };
  const { Running, ExitCode, OOMKilled, FinishedAt, Health, Error: error } = state;
  const health = Health?.Status;
  return {
    running: Running,
    outOfMemory: OOMKilled,
    ...(Running ? {} : { exitCode: ExitCode, ended: Date.parse(FinishedAt) }),
    ...(health === "starting" || health === "healthy" || health === "unhealthy" ? { health } : {}),
    ...(error === "" ? {} : { error }),
  };
}

/** Both streams in the order of their times. */
async function logsOf(container: string, docker: DockerCli): Promise<readonly LogLine[]> {
  const { stdout, stderr } = await docker("logs", "--timestamps", container);
  return `${stdout}\n${stderr}`
    .split("\n")
    .flatMap((line) => {
      const at = line.indexOf(" ");
      const time = Date.parse(line.slice(0, at));
      return Number.isNaN(time) ? [] : [{ at: time, text: line.slice(at + 1) }];
    })
    .sort((a, b) => a.at - b.at);
}
