import { CommandError, UsageError } from "../errors.ts";
import { digestOf, short } from "../images/digest.ts";
import { isLoopback } from "../images/loopback.ts";
import type { Platform } from "../images/platform.ts";
import type { Clock } from "../ports/clock.ts";
import type { ExecOptions } from "../ports/exec.ts";
import { randomId } from "../random-id.ts";
import { type Docker, noDaemon, output, refused, run } from "./docker.ts";
import { noContainerdStore } from "./failure.ts";

export type Driver = "docker-container" | "docker" | "remote" | "kubernetes";

/** A builder that runs, and how to leave it. */
export interface Builder {
  readonly name: string;
  readonly driver: string;
  readonly platforms: readonly Platform[];
  /** Takes the builder away if it was made for this run; safe to repeat. */
  remove(): Promise<void>;
}

export interface BuilderRequest {
  /** An existing builder: used as it is and left alone. */
  readonly builder: string | undefined;
  readonly driver: Driver;
  /** `NAME=VALUE`; `endpoint=ADDRESS` says where a remote BuildKit (or which Docker context or Kubernetes) is. */
  readonly driverOpts: readonly string[];
  readonly buildkitdConfig: string | undefined;
  /** The image's registry: a BuildKit in a container reaches one on loopback through the host's network only. */
  readonly registry: string | undefined;
  /** True: the builder and its cache stay for the next run on this machine, which finds it by what it was asked for. */
  readonly keep: boolean;
}

export interface BuilderPorts {
  readonly docker: Docker;
  readonly clock: Pick<Clock, "random">;
  /** Told the name of a builder before it is made, so that somebody else can remove it if this process is killed. */
  readonly announce?: (name: string) => Promise<void>;
  /** Ends what docker is doing; a builder that was being made is taken away all the same. */
  readonly signal?: AbortSignal;
}

/** BuildKit for docker-container and kubernetes builders; `driver-opts: image=…` takes another one. */
export const buildkitImage =
  "moby/buildkit:v0.32.2@sha256:28a898719c18a33f4e8000685287fa36fd0dd9560c6440227d3a732d79bb41d8";

/** Finds or makes the builder and starts it. What does not answer is a CommandError, a name that is not there a UsageError. */
export async function useBuilder(request: BuilderRequest, ports: BuilderPorts): Promise<Builder> {
  const { docker, clock, announce } = ports;
  if (request.builder !== undefined) return existing(request.builder, ports);
  if (request.driver === "docker") return existing(await engine(ports), ports);
  const name = builderName(request, clock);
  const args = createArguments(name, request);
  if (!request.keep) await announce?.(name);
  const remove = async () => {
    await run(docker, ["buildx", "rm", "--force", name]);
  };
  try {
    const { code, stderr } = await run(docker, args, stoppable(ports));
    if (code !== 0 && !(request.keep && /existing instance|already exists/.test(stderr)))
      throw noDaemon(stderr) ?? refused(["buildx", "create"], code, stderr);
    const made = await existing(name, ports);
    return request.keep ? made : { ...made, remove };
  } catch (error) {
    if (!request.keep) await remove().catch(() => undefined);
    throw error;
  }
}

/** The call that makes a builder. Pure. */
export function createArguments(name: string, request: BuilderRequest): readonly string[] {
  const { driver, driverOpts, buildkitdConfig, registry } = request;
  const endpoint = driverOpts.find((line) => line.startsWith("endpoint="));
  if (driver === "remote" && endpoint === undefined)
    throw new UsageError("driver: remote needs to know where its BuildKit is.", {
      todo: "Give it in driver-opts: endpoint=tcp://HOST:PORT or endpoint=unix:///PATH.",
    });
  const given = driverOpts.filter((line) => line !== endpoint);
  const has = (option: string) => given.some((line) => line.startsWith(`${option}=`));
  const ours = [
    ...(driver === "remote" || has("image") ? [] : [`image=${buildkitImage}`]),
    ...(driver === "docker-container" && !has("network") && isOnLoopback(registry)
      ? ["network=host"]
      : []),
  ];
  return [
    ...["buildx", "create", "--name", name, "--driver", driver],
    ...[...ours, ...given].flatMap((option) => ["--driver-opt", option]),
    ...(buildkitdConfig === undefined ? [] : ["--buildkitd-config", buildkitdConfig]),
    ...(endpoint === undefined ? [] : [endpoint.slice("endpoint=".length)]),
  ];
}

/** Reads `docker buildx inspect`: the driver, and the platforms of all nodes. Pure. */
export function readInspect(text: string): { driver: string; platforms: readonly Platform[] } {
  const values = (key: string) =>
    [...text.matchAll(new RegExp(`^${key}:[ \\t]+(.+)$`, "gm"))].map(([, value = ""]) => value);
  const platforms = values("Platforms").flatMap((list) => list.split(","));
  return {
    driver: values("Driver")[0] ?? "",
    platforms: [...new Set(platforms.map((name) => name.trim().replace(/\*$/, "")))],
  };
}

type Asked = Pick<BuilderPorts, "docker" | "signal">;

function stoppable({ signal }: Asked): Pick<ExecOptions, "signal"> {
  return signal === undefined ? {} : { signal };
}

/** A UsageError or CommandError unless the builder is there and runs; the docker driver must have the containerd store. */
async function existing(name: string, ports: Asked): Promise<Builder> {
  const args = ["buildx", "inspect", "--bootstrap", name];
  const { code, stdout, stderr } = await run(ports.docker, args, stoppable(ports));
  if (/no builder .* found/.test(stderr))
    throw new UsageError(`builder: there is no builder "${name}".`, {
      todo: "docker buildx ls names those that are there.",
    });
  const said = `${stderr}\n${/^Error:.*$/m.exec(stdout)?.[0] ?? ""}`.trim();
  if (/deadline exceeded/.test(said)) throw silent(name);
  const { driver, platforms } = readInspect(stdout);
  if (code !== 0 || platforms.length === 0) throw noDaemon(said) ?? refused(args, code, said);
  if (driver === "docker") await checkStore(ports);
  return { name, driver, platforms, remove: async () => undefined };
}

function silent(name: string): CommandError {
  return new CommandError(`The builder ${name} does not answer.`, {
    todo: "See that its BuildKit runs where driver-opts (endpoint=…) says, and that this machine may reach it.",
  });
}

/** The builder of the engine itself bears the name of the Docker context. */
async function engine(ports: Asked): Promise<string> {
  return (await output(ports.docker, ["context", "show"], stoppable(ports))).trim();
}

async function checkStore(ports: Asked): Promise<void> {
  const args = ["info", "--format", "{{json .DriverStatus}}"];
  const status = await output(ports.docker, args, stoppable(ports));
  if (!status.includes("io.containerd.snapshotter")) throw noContainerdStore();
}

/** Kept builders are found again by what they were asked for; others have a name of their own, since jobs share a machine. */
function builderName(request: BuilderRequest, clock: Pick<Clock, "random">): string {
  const { driver, driverOpts, buildkitdConfig = "", registry } = request;
  const wanted = JSON.stringify([driver, driverOpts, buildkitdConfig, isOnLoopback(registry)]);
  const id = request.keep ? short(digestOf(wanted)) : randomId(clock);
  return `director-image-${id}`;
}

function isOnLoopback(registry = ""): boolean {
  return isLoopback(registry.replace(/:\d+$/, ""));
}
