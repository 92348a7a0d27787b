import { parse, stringify } from "yaml";
import { documentedWorkflow } from "../docs/yaml-blocks.ts";
import type { Step, Workflow } from "../workflows/workflows.ts";
import { surroundings } from "./caller.ts";

/** A workflow of a page, every word of it, with the inputs of the trial's surroundings wherever it names the action. */
export function documented(page: string, name: string): string {
  const workflow = parse(documentedWorkflow(page, name)) as Workflow;
  const jobs = Object.entries(workflow.jobs).map(([id, job]) => {
    if (job.uses === undefined) return [id, { ...job, steps: job.steps?.map(withSurroundings) }];
    return [id, withSurroundings(job)];
  });
  return stringify({ ...workflow, jobs: Object.fromEntries(jobs) });
}

/** Adds them to a job or a step; only what publishes has `allow-untested`. */
function withSurroundings<T extends Pick<Step, "uses" | "with">>(given: T): T {
  if (given.uses?.startsWith("nsn/director-image-action") !== true) return given;
  const publishes = !given.uses.includes("-check.yml");
  const more = publishes ? { "allow-untested": `\${{ vars.ALLOW_UNTESTED }}` } : {};
  return { ...given, with: { ...given.with, ...surroundings, ...more } };
}
