import type { ExecResult } from "../ports/exec.ts";

/** A node that was started, whatever it runs in. Times are milliseconds since 1970. */
export interface RunningNode {
  /** As messages name it after `the`: `node`, `second node`. */
  readonly name: string;
  /** The same node, of which nothing is asked any more once the signal is aborted: what is under way ends with the signal's reason. */
  under(signal: AbortSignal): RunningNode;
  /** When it was asked to start. */
  readonly started: number;
  /** Where this machine reaches /health and /metrics. */
  readonly http: URL;
  /** `HOST:PORT` where this machine reaches gRPC. */
  readonly grpc: string;
  readonly p2p: { readonly host: string; readonly udp: number; readonly tcp: number };
  /** How another node of the same run reaches it: multiaddrs without the peer's id. */
  readonly multiaddrs: { readonly quic: string; readonly tcp: string };
  state(): Promise<NodeState>;
  /** What it has said so far, in all its starts; also when it was taken away. */
  logs(): Promise<readonly LogLine[]>;
  /** Runs a program where the node runs, as its user. */
  exec(command: string, ...args: readonly string[]): Promise<ExecResult>;
  /** Numbers of its processes as this machine's kernel (and so nvidia-smi) counts them. */
  pids(): Promise<ReadonlySet<number>>;
  /** What its processes may do, as /proc says it where the node runs. */
  processes(): Promise<readonly NodeProcess[]>;
  usage(): Promise<Usage | undefined>;
  /** Processes of it that run on after its end; a container's end takes all of them. */
  leftovers(): Promise<readonly NodeProcess[]>;
  /** What it wrote to METRICS_FILE; undefined where there is no such file. */
  metricsFile(): Promise<string | undefined>;
  signal(name: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Starts it again on the same volumes after it has ended. */
  restart(): Promise<void>;
  /** Takes it away with all that was made for it, whatever was aborted; safe to repeat. */
  remove(): Promise<void>;
}

export interface NodeState {
  readonly running: boolean;
  /** Of a node that has ended. */
  readonly exitCode?: number;
  readonly ended?: number;
  readonly outOfMemory: boolean;
  /** The container's own health status, where it has a health check. */
  readonly health?: "starting" | "healthy" | "unhealthy";
  /** Why it could not be started at all. */
  readonly error?: string;
  /** Whether it was sent a signal since it was started: it need not have ended by itself. */
  readonly signalled?: boolean;
}

/** `at` is milliseconds since 1970. */
export type LogLine = { readonly at: number; readonly text: string };

/** Fields of /proc/PID/status (proc(5)). */
export interface NodeProcess {
  readonly pid: number;
  readonly name: string;
  /** The real, the effective, the saved and the file system's user. */
  readonly users: readonly number[];
  readonly noNewPrivileges: boolean;
  /** It has ended, and nobody has waited for it. */
  readonly zombie: boolean;
}

/** What the kernel counted for the node and its children. */
export interface Usage {
  readonly cpuSeconds: number;
  /** Kernels before 5.19 do not tell it of a control group of version 2. */
  readonly memoryPeakBytes?: number;
  /** Periods in which it was held back, of all; where the kernel limits it. */
  readonly throttled?: { readonly periods: number; readonly of: number };
}

export interface StartOptions {
  readonly name: string;
  /** Multiaddrs of nodes that it shall dial. */
  readonly peers: readonly string[];
  readonly chainUrl: string;
  /** Without models and GPU: a node that only talks to the other one. */
  readonly bare?: boolean;
  /** `--cap-drop ALL`, no new privileges, a root that cannot be written to. */
  readonly hardened: boolean;
}

/** What is accepted: an image in Docker, or a command on this machine. */
export interface Target {
  readonly kind: "container" | "process";
  /** The same target, whose answers, and those of the nodes that it starts, end with the signal. */
  under(signal: AbortSignal): Target;
  /** As the result names it. */
  readonly name: string;
  /** An address of this machine on which the chain's endpoint is reached from the node. */
  readonly hostAddress: string;
  /** Folder of the weights, as its nodes see it. */
  readonly models: string;
  /** The image's own description; undefined for a process. */
  image(): Promise<ImageFacts | undefined>;
  /** Hashes of the weights that are really there, by path below the models' root. */
  weights(): Promise<ReadonlyMap<string, string>>;
  start(options: StartOptions): Promise<RunningNode>;
  /** Takes away everything that was made, whatever was aborted; what is left is a warning. Safe to repeat. */
  close(): Promise<void>;
}

/** An image's configuration (OCI image specification, "Image Configuration", and Docker's Healthcheck). */
export interface ImageFacts {
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly exposedPorts: readonly string[];
  readonly volumes: readonly string[];
  readonly stopSignal: string;
  readonly healthcheck: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Bytes on disk without the models; undefined where the image has no `du`. */
  readonly bytesWithoutModels?: number;
}
