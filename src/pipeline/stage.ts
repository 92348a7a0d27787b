import type { Config } from "../config/config.ts";
import type { Facts } from "../config/facts.ts";
import type { AcceptResult, BuildResult, Results } from "../results/stages.ts";

/** What a stage is given: the frozen inputs, the facts of the run, and what the stages before it left. */
export interface Stage {
  readonly config: Config;
  readonly facts: Facts;
  readonly results: Results;
  /** What builds of an earlier run on this machine left, whose layouts are still there. */
  readonly earlier?: readonly BuildResult[];
  /** What was accepted in an earlier run on this machine. */
  readonly accepted?: readonly AcceptResult[];
}
