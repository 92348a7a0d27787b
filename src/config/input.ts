/** An input of the action, which is also a flag of the command line. */
export interface Input {
  readonly default: string;
  readonly description: string;
  /** What stands behind the flag in the help, such as `FILE`; a choice is written `a|b`. */
  readonly value: string;
  /** Whether its value must never be printed. */
  readonly secret?: true;
  /** Whether it takes one value a line (the flag may be repeated). */
  readonly lines?: true;
}

/** Tools that are fetched where they are missing. */
export const pinned = { buildx: "0.36.1", trivy: "0.74.0" } as const;

export const stageNames = [
  "prepare",
  "models",
  "build",
  "scan",
  "assemble",
  "accept",
  "promote",
  "report",
] as const;
export type StageName = (typeof stageNames)[number];
