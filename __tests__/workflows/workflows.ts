import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** The parts of a workflow that the tests look at (GitHub's documentation, "Workflow syntax"). */
export interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Permissions;
  readonly concurrency?: Concurrency;
  readonly jobs: Readonly<Record<string, Job>>;
}

export type Permissions = Readonly<Record<string, "read" | "write" | "none">>;

interface Concurrency {
  readonly group: string;
  readonly queue?: string;
  readonly "cancel-in-progress"?: boolean | string;
}

export interface Job {
  readonly uses?: string;
  readonly if?: string;
  readonly needs?: string | readonly string[];
  readonly "runs-on"?: string;
  readonly "timeout-minutes"?: number | string;
  readonly permissions?: Permissions;
  readonly concurrency?: Concurrency;
  readonly environment?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
}

export interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly if?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, unknown>>;
}

/** What a called workflow takes and gives. */
export interface Called {
  readonly inputs: Readonly<Record<string, { readonly type: string; readonly default: unknown }>>;
  readonly secrets: Readonly<Record<string, { readonly required: boolean }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
}

const folder = join(import.meta.dirname, "../../.github/workflows");

export function workflowText(name: string): string {
  return readFileSync(join(folder, name), "utf8");
}

export function readWorkflow(name: string): Workflow {
  return parse(workflowText(name)) as Workflow;
}

export function calledOf({ on }: Workflow): Called {
  return on["workflow_call"] as Called;
}

/** The steps of a job that run the action, by their stage. */
export function stagesOf(job: Job | undefined): ReadonlyMap<string, Step> {
  const own = (job?.steps ?? []).filter(({ uses = "" }) => uses.includes("director-image-action"));
  return new Map(own.map((step) => [String(step.with?.["stage"]), step]));
}
