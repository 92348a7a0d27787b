import { CommandError } from "../errors.ts";
import type { exposed } from "./container-arguments.ts";
import type { DockerCli } from "./docker-cli.ts";
import type { LogLine, NodeState } from "./node.ts";

interface Inspected {
  readonly Id: string;
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

/** What Docker knows of a container; undefined where there is none. */
export async function inspect(
  container: string,
  docker: DockerCli,
): Promise<Inspected | undefined> {
  const { code, stdout, stderr } = await docker("inspect", "--type", "container", container);
  if (code === 0) return (JSON.parse(stdout) as [Inspected])[0];
  if (/no such container/i.test(stderr)) return undefined;
  throw new CommandError(`docker inspect failed: ${stderr.trim()}`);
}

export interface Place {
  /** The container's id; empty where there is none. */
  readonly id: string;
  /** On its network. */
  readonly address: string;
  readonly ports: Readonly<Record<(typeof exposed)[number], number>>;
}

/** Where it is reached; Docker gives other ports at every start. */
export async function placeOf(
  container: string,
  network: string,
  docker: DockerCli,
): Promise<Place> {
  const inspected = await inspect(container, docker);
  const seen = inspected?.NetworkSettings;
  const port = (name: (typeof exposed)[number]) => Number(seen?.Ports?.[name]?.[0]?.HostPort ?? 0);
  return {
    id: inspected?.Id ?? "",
    address: seen?.Networks[network]?.IPAddress ?? "",
    ports: {
      "9100/tcp": port("9100/tcp"),
      "50051/tcp": port("50051/tcp"),
      "9000/tcp": port("9000/tcp"),
      "9000/udp": port("9000/udp"),
    },
  };
}

/** A container's state by this machine's clock, `ahead` milliseconds behind the engine's. Pure. */
export function stateOf(state: Inspected["State"] | undefined, ahead: number): NodeState {
  if (state === undefined) return { running: false, outOfMemory: false };
  const { Running, ExitCode, OOMKilled, FinishedAt, Health, Error: error } = state;
  const health = Health?.Status;
  return {
    running: Running,
    outOfMemory: OOMKilled,
    ...(Running ? {} : { exitCode: ExitCode, ended: Date.parse(FinishedAt) - ahead }),
    ...(health === "starting" || health === "healthy" || health === "unhealthy" ? { health } : {}),
    ...(error === "" ? {} : { error }),
  };
}

/** Both streams in the order of their times, by this machine's clock; undefined where there is no container. */
export async function logsOf(
  container: string,
  ahead: number,
  docker: DockerCli,
): Promise<readonly LogLine[] | undefined> {
  const { code, stdout, stderr } = await docker("logs", "--timestamps", container);
  if (code !== 0) return undefined;
  return `${stdout}\n${stderr}`
    .split("\n")
    .flatMap((line) => {
      const at = line.indexOf(" ");
      const time = Date.parse(line.slice(0, at));
      return Number.isNaN(time) ? [] : [{ at: time - ahead, text: line.slice(at + 1) }];
    })
    .sort((a, b) => a.at - b.at);
}

/** Its processes as its engine's machine counts them. */
export async function pidsOf(container: string, docker: DockerCli): Promise<ReadonlySet<number>> {
  const { stdout } = await docker("top", container, "-eo", "pid");
  return new Set(
    stdout
      .split("\n")
      .slice(1)
      .map(Number)
      .filter((pid) => pid > 0),
  );
}
