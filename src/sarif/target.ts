/** What the event and the checkout tell; config's Facts fit. */
export interface Occasion {
  /** `push`, `pull_request`, `schedule`, …; `local` outside a workflow. */
  readonly event: string;
  readonly ref: string;
  readonly sha: string;
  /** Whose pull request may never write anything: `a fork` or `Dependabot`. */
  readonly untrusted: string | undefined;
  readonly repository: { readonly url: string };
}

/** Which branch, pull request or tag, at which commit, alerts are shown for. */
export interface Target {
  /** `owner/name`. */
  readonly repository: string;
  readonly ref: string;
  readonly commit: string;
  /** Where a person sees the alerts. */
  readonly page: string;
}

/** Why nothing is uploaded, and what would change that. */
export interface Refusal {
  readonly why: string;
  readonly todo: string;
}

/**
 * For a pull request the merge that GitHub makes, or its head where the workflow checked that out (`checkedOut`: what the checkout's HEAD
 * is); otherwise the branch or tag of the run, which for a schedule is the default branch. Pure.
 */
export function targetOf(occasion: Occasion, checkedOut?: string): Target | Refusal {
  const { event, ref, sha, untrusted, repository } = occasion;
  const refused = (why: string, todo: string): Refusal => ({ why, todo });
  if (event === "local")
    return refused(
      "this is no workflow of GitHub",
      "On your machine give `--sarif-upload never`, and read the file.",
    );
  if (untrusted !== undefined)
    return refused(
      `this is a pull request of ${untrusted}, whose token can only read`,
      "Nothing needs to be set: alerts are uploaded when the changes are on a branch of the repository.",
    );
  const [, name] = /^https?:\/\/[^/]+\/([\w.-]+\/[\w.-]+?)\/?$/.exec(repository.url) ?? [];
  if (name === undefined)
    return refused(
      `"${repository.url}" is not the address of a repository`,
      "GITHUB_REPOSITORY and the event's file say which repository it is.",
    );
  if (!/^refs\/(heads|tags)\/.|^refs\/pull\/\d+\/(merge|head)$/.test(ref))
    return refused(
      `the event ${event} is of no branch, tag or pull request (GITHUB_REF is "${ref}")`,
      "Scan on push, pull_request or schedule.",
    );
  const pull = /^refs\/pull\/(\d+)\/merge$/.exec(ref)?.[1];
  const isHead = pull !== undefined && checkedOut !== undefined && checkedOut !== sha;
  const commit = isHead ? checkedOut : sha;
  if (!/^[0-9a-f]{40}$/.test(commit))
    return refused(`"${commit}" is not a commit`, "GITHUB_SHA says which commit it is.");
  return {
    repository: name,
    ref: isHead ? `refs/pull/${pull}/head` : ref,
    commit,
    page: pageOf(repository.url.replace(/\/$/, ""), ref),
  };
}

function pageOf(url: string, ref: string): string {
  const [, kind = "", name = ""] = /^refs\/(heads|pull)\/(.+?)(?:\/merge|\/head)?$/.exec(ref) ?? [];
  const filter = {
    heads: `is:open branch:${ref.slice("refs/heads/".length)}`,
    pull: `is:open pr:${name}`,
  };
  const query = filter[kind as keyof typeof filter];
  const page = `${url}/security/code-scanning`;
  return query === undefined ? page : `${page}?query=${encodeURIComponent(query)}`;
}
