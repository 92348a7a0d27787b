import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Workflow } from "../workflows/workflows.ts";
import type { Run } from "./act.ts";

/** What a repository says of its surroundings, here those of a trial. `allow-untested` is for who publishes. */
export const surroundings = {
  image: `\${{ vars.IMAGE }}`,
  platforms: `\${{ vars.PLATFORMS || 'linux/amd64' }}`,
  file: `\${{ vars.FILE }}`,
  driver: "remote",
  "driver-opts": `endpoint=\${{ vars.BUILDKIT }}`,
  cache: "none",
  "trivy-db": `\${{ vars.TRIVY_DB }}`,
  "min-packages": "0",
  "scan-policy": `\${{ vars.SCAN_POLICY }}`,
  acceptance: `\${{ vars.ACCEPTANCE || 'off' }}`,
};

/**
 * This repository's own caller (.github/workflows/docker-director.yml) as another repository has it: every word, and its own inputs, with
 * `own` and `secrets` for the job that publishes.
 */
export function caller(
  own: Readonly<Record<string, string>> = {},
  secrets: Readonly<Record<string, string>> = {},
): string {
  const text = readFileSync(join(".github", "workflows", "docker-director.yml"), "utf8");
  const workflow = parse(text) as Workflow;
  const jobs = Object.entries(workflow.jobs).map(([id, job]) => {
    const given = { ...job.with, ...surroundings };
    // This repository gives no machine of its own to pull requests; another one may.
    const onGpu = { ...given, "gpu-runner": `\${{ vars.GPU_RUNNER }}` };
    if (id !== "publish") return [id, { ...job, with: onGpu }];
    const untested = { "allow-untested": `\${{ vars.ALLOW_UNTESTED }}` };
    const all = { ...given, ...untested, ...own };
    return [id, { ...job, with: all, secrets: { ...job.secrets, ...secrets } }];
  });
  return stringify({ ...workflow, jobs: Object.fromEntries(jobs) });
}

/**
 * What GitHub runs when one job of the reusable workflow is run again: that job, with the outputs that the jobs before it had. Two files: the
 * workflow with the job, and its caller.
 */
export function jobAgain(id: string, outputs: Run["outputs"]): Readonly<Record<string, string>> {
  const text = readFileSync(join(".github", "workflows", "director-image.yml"), "utf8");
  const called = parse(text.replace(/^ +queue: max\n/m, "")) as Workflow;
  const job = called.jobs[id];
  const before = [job?.needs ?? []].flat().map((name) => {
    const names = Object.keys(called.jobs[name]?.outputs ?? {});
    const had = names.map((output) => [output, outputs[name]?.[output] ?? ""]);
    const steps = [{ run: "true" }];
    return [name, { "runs-on": "ubuntu-24.04", outputs: Object.fromEntries(had), steps }];
  });
  const { outputs: _, ...call } = called.on["workflow_call"] as Record<string, unknown>;
  const again = {
    on: { workflow_call: call },
    jobs: { ...Object.fromEntries(before), [id]: job },
  };
  const calling = parse(caller()) as Workflow;
  const publish = { ...calling.jobs["publish"], uses: "./.github/workflows/again.yml" };
  return {
    "again.yml": stringify(again),
    "one-job-again.yml": stringify({ ...calling, jobs: { publish } }),
  };
}
