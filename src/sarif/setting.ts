import type { ApiAnswer } from "./api.ts";
import type { Refusal } from "./target.ts";

/** What to set, by the words of GitHub's refusal; the first that fits. */
const settings: readonly (readonly [status: number, words: RegExp, todo: string])[] = [
  [401, /./, "The input github-token is not valid: leave it out, and the workflow's own is taken."],
  [
    403,
    /(advanced|code) security must be enabled/i,
    "In the repository's settings, under Advanced Security, switch GitHub Code Security on; a private repository needs a licence for it.",
  ],
  [
    403,
    /code scanning is not enabled|enable code scanning/i,
    "In the repository's settings, under Advanced Security, switch code scanning on.",
  ],
  [
    403,
    /not accessible by integration/i,
    "Give the job `permissions: security-events: write`, and in a private repository also `actions: read` and `contents: read`.",
  ],
  [
    403,
    /not accessible by personal access token/i,
    "Give the token of github-token the permission to write code scanning alerts (classic tokens: the scope security_events).",
  ],
  [403, /archived/i, "An archived repository takes no alerts."],
  [
    404,
    /./,
    "The token does not see the repository's code scanning: give the job `permissions: security-events: write`, and on a server of one's own have code scanning switched on.",
  ],
  [413, /./, "The file is larger than GitHub takes: please report it."],
];

/** What an answer that is no success means to whoever looks after the workflow. */
export function refusalOf({ status, said }: Pick<ApiAnswer, "status" | "said">): Refusal {
  const found = settings.find(([code, words]) => code === status && words.test(said));
  return {
    why: `GitHub refused the findings (HTTP ${status}: ${said})`,
    todo: found?.[2] ?? "The findings are in the file, and in the result of the scan.",
  };
}
