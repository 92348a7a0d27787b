import type { Event } from "./act.ts";

/** The parts of GitHub's webhooks that decide what may be published; GitHub's documentation, "Webhook events and payloads". */
const repository = {
  name: "node",
  full_name: "operator/node",
  default_branch: "main",
  description: "An operator's Director",
  html_url: "https://github.com/operator/node",
  license: { spdx_id: "Apache-2.0" },
};

export function pushOf(ref: string, commit: string): Event {
  return { name: "push", payload: { ref, after: commit, repository } };
}

export function pullRequestOf(
  commit: string,
  { from = "operator/node", by = "octocat" }: { from?: string; by?: string } = {},
): Event {
  return {
    name: "pull_request",
    payload: {
      number: 7,
      action: "synchronize",
      repository,
      pull_request: {
        number: 7,
        user: { login: by },
        head: { ref: "change", sha: commit, repo: { full_name: from } },
        base: { ref: "main", sha: commit, repo: { full_name: repository.full_name } },
      },
    },
  };
}

/** GitHub runs it on the default branch. */
export function scheduleOf(): Event {
  return { name: "schedule", payload: { schedule: "17 4 1 * *", repository } };
}

export function dispatchOf(ref: string, inputs: Readonly<Record<string, string>>): Event {
  return { name: "workflow_dispatch", payload: { ref, inputs, repository } };
}
