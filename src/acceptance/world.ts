import type { Clock } from "../ports/clock.ts";
import type { Exec } from "../ports/exec.ts";
import type { Fetch } from "../ports/fetch.ts";
import type { Log } from "../ports/log.ts";
import type { Chain } from "./chain.ts";
import type { Gpus } from "./gpus.ts";
import type { NodeGrpc } from "./grpc.ts";
import type { RunningNode, Target } from "./node.ts";
import type { VramSeries } from "./vram-series.ts";

/** All that a check may look at. */
export interface World {
  readonly target: Target;
  readonly nodes: Nodes;
  /** The small chain endpoint of the run; undefined where a real one is used. */
  readonly chain: Chain | undefined;
  readonly expected: Expected;
  readonly limits: Limits;
  readonly gpu: "auto" | "required" | "off";
  /** The cards of this machine; undefined where there are none, or they are not looked at. */
  readonly gpus: Gpus | undefined;
  readonly vram: VramSeries;
  readonly grpc: (node: RunningNode) => Promise<NodeGrpc>;
  readonly fetch: Fetch;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the check's time is over or the run is stopped. */
  readonly signal: AbortSignal;
}

/** The nodes of a run. They live until the run ends, whichever check started them. */
export interface Nodes {
  /** The node under test, which the check `startup` starts. */
  readonly main: RunningNode;
  /** The same, or undefined as long as there is none. */
  readonly running: RunningNode | undefined;
  /** Why it was started without hardening, where it did not start with it. */
  readonly hardening: string | undefined;
  /** Starts the node under test: hardened, or without that where a reason is given; an earlier one is taken away. */
  startMain(withoutHardening?: string): Promise<RunningNode>;
  /** Another node of the same image, without models, which dials the first; started when it is first asked for. */
  second(): Promise<RunningNode>;
}

/** What the candidate is supposed to carry and say. */
export interface Expected {
  /** Titles of the models, in the order of the lock. */
  readonly titles: readonly string[];
  /** sha256 by path below the models' root. */
  readonly weights: ReadonlyMap<string, string>;
  /** Whether a text is the lock. */
  readonly isLock: (text: string) => boolean;
  /** Labels that an image must have. */
  readonly labels: readonly string[];
  /** Annotations that its manifest must have, and those that it has: Docker does not keep them. */
  readonly annotations: {
    readonly wanted: readonly string[];
    readonly there: Readonly<Record<string, string>>;
  };
}

/** Thresholds: seconds, bytes, counts (inputs of the action). */
export interface Limits {
  readonly startupSeconds: number;
  readonly shutdownSeconds: number;
  readonly vramBytes: number;
  /** Of the image without its models. */
  readonly imageBytes: number;
  readonly driver: string;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly slots: number;
}
