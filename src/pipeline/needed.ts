import { UsageError } from "../errors.ts";
import type { Results } from "../results/stages.ts";

/** A result that a stage cannot do without; a UsageError names the stage to run first. */
export function needed<K extends "prepare" | "models" | "assemble">(
  results: Results,
  name: K,
): NonNullable<Results[K]> {
  const result = results[name];
  if (result !== undefined) return result as NonNullable<Results[K]>;
  throw new UsageError(`The results folder has no ${name}.json.`, {
    todo: `Run the stage ${name} first, with the same results folder (or its artifact). In a workflow whose artifacts are gone, run all jobs again.`,
  });
}
