import type { CheckName } from "../../../src/acceptance/check.ts";
import { ends } from "./ends.ts";
import type { Broken } from "./row.ts";

/** What there is for a process on a machine without a GPU. */
export const processChecks: readonly CheckName[] = [
  ...(["startup", "models", "health", "metrics", "grpc"] as const),
  ...(["p2p", "resources", "shutdown", "restart"] as const),
];

/** For nodes that never become healthy. */
const soon = ["--startup-timeout", "6s"];

export const programs: readonly Broken[] = [
  {
    name: "no-such-program",
    what: "is not there",
    fails: {
      startup: /^no-such-program cannot be started\. because: spawn no-such-program ENOENT$/,
    },
    passes: [],
  },
  {
    name: "crash",
    what: "crashes at its start",
    fails: { startup: /exit code 7; its last words: the last words of a crash$/ },
    passes: [],
  },
  {
    name: "port-in-use",
    what: "finds a port taken",
    fails: { startup: /exit code 1; .* port \d+\/tcp cannot be listened on \(set METRICS_PORT/ },
    passes: [],
  },
  {
    name: "slow-start",
    what: "does nothing for an hour",
    fails: { startup: /^it is not healthy after 6 s: .*connection refused/ },
    passes: [],
    inputs: soon,
  },
  {
    name: "hung-health",
    what: "takes questions for /health and does not answer",
    fails: { startup: /^it is not healthy after 6 s: .*did not answer in time/ },
    passes: [],
    inputs: soon,
  },
  {
    name: "no-chain",
    what: "asks another chain than it is told to",
    fails: { startup: /^it is not healthy after 6 s: \/health answers 503 \(.*chain_synced: / },
    passes: [],
    inputs: soon,
  },
  {
    name: "crash-after-20s",
    what: "crashes 20 s after it was healthy",
    fails: { health: /^it ended by itself with exit code 7; its last words: .* after 20 s$/ },
    passes: ["startup", "models"],
  },
  {
    name: "sidecar-dies",
    what: "loses its sidecar later, and every one that it starts after that",
    fails: {
      health: /^it was healthy, and is not any more: \/health answers 503 \(models_loaded: /,
      p2p: /^no message could be sent: UNAVAILABLE: /,
      resources: /^GenerateSlot ended after 0 of 1 slots: UNAVAILABLE: /,
      shutdown: /^no gRPC call could be put in flight: UNAVAILABLE: /,
    },
  },
  {
    name: "second-crashes",
    what: "crashes where it has no models, as the second node has none",
    fails: {
      grpc: /^the second node ended by itself with exit code 9; .* a node needs models$/,
      p2p: /^the second node ended by itself with exit code 9/,
      shutdown: /^the second node ended by itself with exit code 9/,
    },
  },
  {
    name: "one-byte-flipped",
    what: "has weights of which one byte is wrong",
    fails: {
      startup: /models_loaded: .* model\.safetensors: sha256 \w{64}, the lock says \w{64}/,
    },
    passes: [],
    // It must have come to the last of five models, on whatever machine, and be in the long pause after its fifth try.
    inputs: ["--startup-timeout", "30s"],
  },
  {
    name: "other-weights",
    what: "has weights of its own lock, which are not those of the one that is accepted",
    fails: {
      models:
        /^clip-vit-l-14\/model\.safetensors has sha256 \w{64}, the lock says \w{64}; .*models\.lock\.json/,
    },
    passes: ["startup", "health", "metrics", "grpc", "p2p", "shutdown", "restart"],
  },
  {
    name: "wrong-order",
    what: "names its models in another order",
    fails: { models: /names Flux-Schnell, Kokoro-82M, LivePortrait, .* was wanted$/ },
    passes: ["startup", "health", "metrics", "grpc", "p2p", "shutdown", "restart"],
  },
  {
    name: "wrong-body",
    what: "answers /health with a body of its own",
    fails: {
      health: /^its body is not as documented: .*it names no version/,
      p2p: /^the node does not name its peer id \(\/health answers 200\); /,
      restart: /^\/health does not name its peer id$/,
    },
  },
  {
    name: "always-healthy",
    what: "is healthy whatever happens",
    fails: { health: /stopped, and after 45 s \/health answers 200 .*; 503 was wanted$/ },
  },
  {
    name: "metrics-500",
    what: "is healthy, and answers 500 on /metrics",
    fails: {
      metrics: /^prometheus: \/metrics answers 500; openmetrics: \/metrics answers 500$/,
      grpc: /^nsn_bft_voters of the node cannot be read: \/metrics answers 500$/,
      p2p: /^nsn_p2p_connected_peers of the node cannot be read: \/metrics answers 500$/,
      shutdown: /^no second node was connected .*: \/metrics answers 500\); its metrics were gone/,
    },
  },
  {
    name: "missing-metric",
    what: "does not tell its memory on the card",
    fails: { metrics: /^prometheus: nsn_vortex_vram_usage_bytes is missing; openmetrics: / },
  },
  {
    name: "negative",
    what: "tells less than no memory",
    fails: { metrics: /^prometheus: nsn_vortex_vram_usage_bytes is -1; openmetrics: / },
  },
  {
    name: "wrong-type",
    what: "calls a histogram a gauge",
    fails: { metrics: /no sample of the gauge nsn_bft_round_duration_seconds/ },
  },
  {
    name: "not-cumulative",
    what: "has buckets that do not add up",
    fails: { metrics: /the buckets of nsn_bft_round_duration_seconds are not cumulative/ },
  },
  {
    name: "no-eof",
    what: "has an OpenMetrics page without its end",
    fails: { metrics: /^openmetrics: an OpenMetrics page ends with # EOF$/ },
  },
  {
    name: "no-grpc",
    what: "has no gRPC",
    fails: {
      grpc: /^gRPC: UNAVAILABLE: .*ECONNREFUSED/,
      p2p: /^no message could be sent: UNAVAILABLE: .*ECONNREFUSED/,
      resources: /^GenerateSlot ended after 0 of 1 slots: UNAVAILABLE: .*ECONNREFUSED/,
      shutdown: /^no gRPC call could be put in flight: UNAVAILABLE: .*ECONNREFUSED/,
    },
  },
  {
    name: "hung-grpc",
    what: "takes connections for gRPC and says nothing",
    fails: {
      grpc: /^gRPC: nobody speaks gRPC there \(within 4 s\)$/,
      p2p: /^no message could be sent: nobody speaks gRPC there/,
      resources: /^GenerateSlot ended after 0 of 1 slots: nobody speaks gRPC there/,
      shutdown: /^no gRPC call could be put in flight: nobody speaks gRPC there/,
    },
  },
  {
    name: "no-reflection.ts",
    what: "does not tell the services of its gRPC, and takes calls until its end",
    fails: {
      grpc: /^gRPC: 12 UNIMPLEMENTED: no reflection here$/,
      shutdown: /^new gRPC calls were taken until the drain had ended$/,
    },
  },
  {
    name: "tcp-only",
    what: "speaks P2P over TCP only",
    fails: { p2p: /^nothing speaks QUIC at 9000\/udp$/ },
  },
  {
    name: "quic-only",
    what: "speaks P2P over QUIC only",
    fails: { p2p: /^nothing speaks libp2p at 9000\/tcp$/ },
  },
  {
    name: "no-p2p",
    what: "speaks P2P at another port than it is told to",
    fails: {
      grpc: /^no second voter came within 30 s: nsn_bft_voters of the node is 1$/,
      p2p: /^nothing speaks QUIC .*; nothing speaks libp2p .*; a second node did not find it within 30 s/,
      shutdown: /^no second node was connected .* \(a second node did not find it within 30 s/,
    },
  },
  {
    name: "zombie",
    what: "does not wait for the end of what it starts",
    fails: { resources: /^nobody has waited for the end of its processes: python3 \(\d+\)$/ },
  },
  ...ends,
];
