import type { Config } from "../config/config.ts";
import type { Facts } from "../config/facts.ts";
import type { Results } from "../results/stages.ts";

/** What a stage is given: the frozen inputs, the facts of the run, and what the stages before it left. */
export interface Stage {
  readonly config: Config;
  readonly facts: Facts;
  readonly results: Results;
}
