import type { ExecResult } from "../ports/exec.ts";

/** A node that was started, whatever it runs in. Times are milliseconds since 1970. */
export interface RunningNode {
  /** As messages name it: `the node`, `the second node`. */
  readonly name: string;
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
  logs(): Promise<readonly LogLine[]>;
  /** Runs a program where the node runs, as its user. */
  exec(command: string, ...args: readonly string[]): Promise<ExecResult>;
  /** Numbers of its processes as this machine's kernel (and so nvidia-smi) counts them. */
  pids(): Promise<ReadonlySet<number>>;
  /** What its processes may do, as /proc says it where the node runs. */
  processes(): Promise<readonly NodeProcess[]>;
  usage(): Promise<Usage | undefined>;
  signal(name: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Starts it again on the same volumes after it has ended. */
  restart(): Promise<void>;
  /** Processes of it that run on after its end; a container's end takes all of them. */
  leftovers(): Promise<readonly NodeProcess[]>;
  /** Takes it away with all that was made for it; safe to repeat. */
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
}

/** `at` is milliseconds since 1970. */
export type LogLine = { readonly at: number; readonly text: string };

/** Fields of /proc/PID/status (proc(5)). */
export interface NodeProcess {
  readonly pid: number;
  readonly name: string;
  /** The effective user. */
  readonly user: number;
  readonly noNewPrivileges: boolean;
  /** It has ended, and nobody has waited for it. */
  readonly zombie: boolean;
}

/** What the kernel counted for the node and its children. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly memoryPeakBytes: number;
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
  /** As the result names it. */
  readonly name: string;
  /** An address of this machine on which the chain's endpoint is reached from the node. */
  readonly hostAddress: string;
  /** The image's own description; undefined for a process. */
  image(): Promise<ImageFacts | undefined>;
  /** Hashes of the weights that are really there, by path below the models' root. */
  weights(): Promise<ReadonlyMap<string, string>>;
  start(options: StartOptions): Promise<RunningNode>;
  /** Takes away everything that was made; safe to repeat. */
  close(): Promise<void>;
}

/** An image's configuration (OCI image specification, "Image Configuration", and Docker's Healthcheck). */
export interface ImageFacts {
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly exposedPorts: readonly string[];
  readonly volumes: readonly string[];
  readonly stopSignal: string;
  readonly healthcheck: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Bytes on disk without the models; undefined where the image has no `du`. */
  readonly bytesWithoutModels?: number;
}
