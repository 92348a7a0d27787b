import type { World } from "./world.ts";

/** The checks, in the order in which they run (design: "Results", accept). */
const checkNames = [
  "config",
  "startup",
  "gpu",
  "models",
  "vram",
  "user",
  "health",
  "metrics",
  "grpc",
  "p2p",
  "resources",
  "shutdown",
  "restart",
] as const;
export type CheckName = (typeof checkNames)[number];

export type Verdict = "passed" | "failed" | "skipped" | "inconclusive";

/** What was seen or wanted, by name; a name that ends in `Bytes` or `Seconds` says its unit. */
export type Figures = Readonly<Record<string, number | string | boolean | readonly string[]>>;

/** What a check found. There is a reason for every verdict but `passed`. */
export type Finding = {
  readonly verdict: Verdict;
  readonly reason?: string;
  readonly measured?: Figures;
  readonly limit?: Figures;
};

export interface Check {
  readonly name: CheckName;
  /** Checks that must have passed before this one makes sense; else it is `skipped: after NAME`. */
  readonly after: readonly CheckName[];
  /** Seconds after which it has failed, whatever it waits for. */
  readonly seconds: (world: World) => number;
  /** The node may end meanwhile: the check starts or stops it. In any other check the end of the node is what failed. */
  readonly endsNode?: true;
  readonly run: (world: World) => Promise<Finding>;
}

export type CheckResult = Finding & { readonly name: CheckName; readonly seconds: number };

function passed(measured?: Figures, limit?: Figures): Finding {
  return finding("passed", undefined, measured, limit);
}

export function failed(reason: string, measured?: Figures, limit?: Figures): Finding {
  return finding("failed", reason, measured, limit);
}

export function skipped(reason: string): Finding {
  return finding("skipped", reason);
}

export function inconclusive(reason: string, measured?: Figures, limit?: Figures): Finding {
  return finding("inconclusive", reason, measured, limit);
}

/** Failed with every complaint, or passed where there is none. */
export function judged(
  complaints: readonly string[],
  measured?: Figures,
  limit?: Figures,
): Finding {
  return complaints.length === 0
    ? passed(measured, limit)
    : failed(complaints.join("; "), measured, limit);
}

function finding(verdict: Verdict, reason?: string, measured?: Figures, limit?: Figures): Finding {
  return {
    verdict,
    ...(reason === undefined ? {} : { reason }),
    ...(measured === undefined ? {} : { measured }),
    ...(limit === undefined ? {} : { limit }),
  };
}
