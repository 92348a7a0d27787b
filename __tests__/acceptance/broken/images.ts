import type { CheckName } from "../../../src/acceptance/check.ts";
import type { Broken } from "./row.ts";

/** An image that is not fit to run: the reference node's, with the miniature's weights, and one thing that was changed. */
export interface BrokenImage extends Broken {
  /** Fields of its configuration; null: without it. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** One more variable. */
  readonly env?: string;
  /** Its own, where that is not the engine's. */
  readonly architecture?: string;
  /** Its entry point, where that is not the Director: `broken`: broken.py, whose mode is the row's name. */
  readonly entrypoint?: readonly string[] | "broken";
  /** The whole run is skipped with this reason, and no check runs. */
  readonly skipped?: RegExp;
}

/** What there is for a container on a machine without a GPU. */
export const imageChecks: readonly CheckName[] = [
  ...(["config", "startup", "models", "user", "health", "metrics"] as const),
  ...(["grpc", "p2p", "resources", "shutdown", "restart"] as const),
];

const director = "/app/nsn-director";

export const images: readonly BrokenImage[] = [
  {
    name: "root",
    what: "runs as root",
    config: { User: "" },
    fails: {
      config: /^its user is root, not nsn \(1000\)$/,
      user: /^it runs only without --read-only .*: it ended by itself with exit code 1; .*\/data/,
    },
  },
  {
    name: "token",
    what: "carries a token",
    env: "HF_TOKEN=hf_0123",
    fails: { config: /^the variable HF_TOKEN carries a value in the image$/ },
  },
  {
    name: "careless",
    what: "has no health check, another stop signal, a volume, and hides a port",
    config: {
      ...{ Healthcheck: null, StopSignal: "SIGINT", Volumes: { "/data": {} } },
      ExposedPorts: { "9000/tcp": {}, "9100/tcp": {}, "50051/tcp": {} },
    },
    fails: {
      config:
        /^it has no health check; it does not expose 9000\/udp; its stop signal is SIGINT, not SIGTERM; it declares volumes \(\/data\)/,
    },
  },
  {
    name: "no-entry-point",
    what: "starts a program that is not there",
    entrypoint: ["/app/no-such-program"],
    fails: { startup: /^it could not be started: .*\/app\/no-such-program.*no such file/ },
    passes: ["config"],
  },
  {
    name: "other-architecture",
    what: "is for another architecture",
    architecture: "riscv64",
    fails: {},
    passes: [],
    skipped: /^the image is not for linux\/amd64$/,
  },
  {
    name: "other-binary",
    what: "says that it is for this architecture, and is not",
    entrypoint: ["/broken/riscv64"],
    fails: { startup: /^it ended by itself with exit code \d+; .* exec format error$/ },
    passes: ["config"],
  },
  {
    name: "crash-loop",
    what: "crashes at every start",
    entrypoint: ["sh", "-c", "echo the last words; exit 7"],
    fails: { startup: /^it ended by itself with exit code 7; its last words: the last words$/ },
    passes: ["config"],
  },
  {
    name: "unhealthy",
    what: "has a health check that never passes",
    config: { Healthcheck: { Test: ["CMD", "false"], Interval: 1e9, Retries: 1 } },
    fails: { startup: /answers 200 after .* the container's own health check says unhealthy$/ },
    passes: ["config"],
  },
  {
    name: "writes-root",
    what: "writes to its root file system",
    entrypoint: "broken",
    fails: {
      user: /^it runs only without --read-only .*: it ended by itself .*Read-only file system: '\/home/,
    },
  },
  {
    name: "memory-hog",
    what: "takes all memory for a slot",
    entrypoint: "broken",
    inputs: ["--acceptance-memory", "1g"],
    fails: { resources: /^it used up its memory and was killed; its last words: / },
    passes: ["config", "startup", "models", "user", "health", "metrics", "grpc", "p2p"],
  },
  {
    name: "zombie",
    what: "does not wait for the end of what it starts",
    entrypoint: "broken",
    fails: { resources: /^nobody has waited for the end of its processes: python3 \(\d+\)$/ },
  },
  {
    name: "shell-form",
    what: "starts the Director from a shell that passes no signal on",
    entrypoint: ["sh", "-c", `${director}; true`],
    inputs: ["--shutdown-timeout", "5s"],
    fails: { shutdown: /^it still runs 5 s after SIGTERM$/ },
  },
];
