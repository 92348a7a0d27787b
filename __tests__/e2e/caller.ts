import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Workflow } from "../workflows/workflows.ts";

/** What a repository says of its surroundings, here those of a trial. `allow-untested` is for who publishes. */
const surroundings = {
  image: `\${{ vars.IMAGE }}`,
  platforms: `\${{ vars.PLATFORMS || 'linux/amd64' }}`,
  file: `\${{ vars.FILE }}`,
  driver: "remote",
  "driver-opts": `endpoint=\${{ vars.BUILDKIT }}`,
  cache: "none",
  "trivy-db": `\${{ vars.TRIVY_DB }}`,
  "min-packages": "0",
  acceptance: `\${{ vars.ACCEPTANCE || 'off' }}`,
};

/** This repository's own caller (.github/workflows/docker-director.yml) as another repository has it: every word, and its own inputs. */
export function caller(): string {
  const text = readFileSync(join(".github", "workflows", "docker-director.yml"), "utf8");
  const workflow = parse(text) as Workflow;
  const jobs = Object.entries(workflow.jobs).map(([id, job]) => {
    const more = id === "publish" ? { "allow-untested": `\${{ vars.ALLOW_UNTESTED }}` } : {};
    return [id, { ...job, with: { ...job.with, ...surroundings, ...more } }];
  });
  return stringify({ ...workflow, jobs: Object.fromEntries(jobs) });
}
