/** What is built and why: plain facts of the event and the repository, read once by the configuration. */
export interface Context {
  /** `push`, `pull_request`, `schedule`, `workflow_dispatch`, … */
  readonly event: string;
  /** The full reference: `refs/heads/main`, `refs/tags/v1.2.3`, `refs/pull/2/merge`; empty where there is none. */
  readonly ref: string;
  /** The commit, 40 hexadecimal digits; empty where there is none. */
  readonly sha: string;
  /** Seconds since 1970. */
  readonly commitTime: number;
  /** Milliseconds since 1970: what `{{date}}` shows. */
  readonly now: number;
  readonly defaultBranch: string;
  /** Target branch of a pull request, or `base_ref` of a pushed tag. */
  readonly baseRef?: string;
  /** The repository's Git tags, as far as the checkout knows them. */
  readonly gitTags?: readonly string[];
  readonly repository: RepositoryFacts;
}

/** What the repository's page says of itself. */
interface RepositoryFacts {
  readonly name: string;
  readonly description?: string;
  /** The page: `https://github.com/nsn/director`. */
  readonly url: string;
  /** SPDX identifier. */
  readonly license?: string;
}

export const branchOf = (ref: string): string => after("refs/heads/", ref);
export const tagOf = (ref: string): string => after("refs/tags/", ref);
/** `2` of `refs/pull/2/merge`. */
export const pullOf = (ref: string): string => after("refs/pull/", ref).replace(/\/merge$/, "");

function after(prefix: string, ref: string): string {
  return ref.startsWith(prefix) ? ref.slice(prefix.length) : "";
}

/** Events that always run on the last commit of the default branch, whatever their reference says. */
const onDefaultBranch = new Set([
  "create",
  "discussion",
  "discussion_comment",
  "issues",
  "issue_comment",
  "schedule",
]);

export function isDefaultBranch({ event, ref, defaultBranch }: Context): boolean {
  const branch = ref.replace(/^refs\/heads\//, "");
  return branch !== "" && (branch === defaultBranch || onDefaultBranch.has(event));
}

export function shortSha(sha: string): string {
  return sha.slice(0, 7);
}
