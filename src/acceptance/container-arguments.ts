import { type ContainerOptions, label, mountFlags } from "./docker-cli.ts";
import type { StartOptions } from "./node.ts";

/** The ports of a Director's image, as it exposes them. */
export const exposed = ["9100/tcp", "50051/tcp", "9000/tcp", "9000/udp"] as const;

/** On the node's volume: the root cannot be written to. */
export const metricsFile = "/data/metrics.json";

export interface Run extends ContainerOptions {
  readonly network: string;
  /** Milliseconds by which the engine's clock is ahead of this machine's. */
  readonly ahead: number;
  readonly wanted: StartOptions;
}

/** Arguments of `docker run` for a node. Pure. */
export function runArguments(run: Run, container: string): readonly string[] {
  const { id, network, image, mounts, gpus, memoryBytes, cpus, wanted } = run;
  const { peers, chainUrl, bare = false, hardened } = wanted;
  const data = `type=volume,source=${volumeOf(container)},target=/data,volume-label=${label(id)}`;
  const environment = {
    SUBSTRATE_WS_URL: chainUrl,
    METRICS_FILE: metricsFile,
    // Whose lines are looked for, whatever the image has been given.
    LOG_FORMAT: "text",
    // Also where there are none: an image may have some of its own.
    P2P_BOOTSTRAP_PEERS: peers.join(","),
    ...(bare ? { MODELS_PATH: "/nonexistent" } : {}),
  };
  return [
    ...["--detach", "--pull", "never", "--name", container, "--label", label(id)],
    // Whose lines `docker logs` gives, whatever the engine's own choice is; 40 MB of them at most.
    ...["--log-driver", "json-file", "--log-opt", "max-size=20m", "--log-opt", "max-file=2"],
    ...["--network", network],
    ...exposed.flatMap((port) => ["--publish", `127.0.0.1::${port}`]),
    ...["--memory", String(memoryBytes), "--memory-swap", String(memoryBytes)],
    ...["--cpus", String(cpus), "--mount", data],
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

/** The volume at /data, which `docker run` makes. Pure. */
export function volumeOf(container: string): string {
  return `${container}-data`;
}
