import { IntegrityError, UsageError } from "../errors.ts";
import type { AssembleResult, Results } from "../results/stages.ts";
import type { Stage } from "./stage.ts";

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

/**
 * The image that was assembled. An IntegrityError where its job told of another one than assemble.json: whoever holds a job of the run can
 * replace artifacts, but no job's outputs.
 */
export function assembled({ config, results }: Pick<Stage, "config" | "results">): AssembleResult {
  const candidate = needed(results, "assemble");
  const { expectedDigest = candidate.digest } = config;
  if (candidate.digest === expectedDigest) return candidate;
  throw new IntegrityError(
    `assemble.json is of ${candidate.digest}, and the job assemble made ${expectedDigest} (expected-digest).`,
    {
      todo: "Something replaced the artifact director-image-assemble: look at the machines that had jobs of this run, such as the runner with a GPU. Then run all jobs again.",
    },
  );
}
