import { UsageError } from "../errors.ts";
import type { Exec } from "../ports/exec.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { Environment, GithubEnvironment } from "./environment.ts";

/** What is built and why, as the event and the checkout tell it. */
export interface Facts {
  /** `push`, `pull_request`, `schedule`, …; `local` outside a workflow. */
  readonly event: string;
  readonly ref: string;
  readonly sha: string;
  /** The checkout's commit, where it is not the event's: a scheduled rebuild of a release, the head of a pull request. */
  readonly checkedOut?: string;
  /** Seconds since 1970; SOURCE_DATE_EPOCH where it is set, else the commit's time, else 0. */
  readonly commitTime: number;
  readonly defaultBranch: string;
  readonly baseRef?: string;
  /** The Git tags that the checkout knows, where a Git tag is built. */
  readonly gitTags?: readonly string[];
  readonly repository: {
    readonly name: string;
    readonly description?: string;
    readonly url: string;
    readonly license?: string;
  };
  readonly isPullRequest: boolean;
  /** Whose pull request may never write anything: `a fork` or `Dependabot`. */
  readonly untrusted: string | undefined;
}

interface Ports {
  readonly exec: Exec;
  readonly files: Pick<Files, "readFile">;
  readonly log: Pick<Log, "warning">;
}

export async function readFacts(environment: Environment, ports: Ports): Promise<Facts> {
  const { workspace, github } = environment;
  // In a container job the checkout belongs to the runner's user, and git reads none of another user's unless told to.
  const trust = github === undefined ? [] : ["-c", `safe.directory=${workspace}`];
  const git = gitIn([...trust, "-C", workspace], ports.exec);
  const commitTime = environment.sourceDateEpoch ?? (await commitTimeOf(workspace, git, ports.log));
  if (github === undefined) return localFacts(git, commitTime);
  const event = eventFacts(github, await readEvent(github, ports.files), commitTime);
  const head = await git("rev-parse", "HEAD");
  const gitTags = event.ref.startsWith("refs/tags/") ? await git("tag", "--list") : "";
  return {
    ...event,
    ...(gitTags === "" ? {} : { gitTags: gitTags.split("\n") }),
    ...(head === "" || head === event.sha ? {} : { checkedOut: head }),
  };
}

/** The commit that is built; empty where none is known. */
export function builtCommit({
  sha,
  checkedOut,
}: Pick<Facts, "sha"> & { readonly checkedOut?: string | undefined }): string {
  return checkedOut ?? sha;
}

async function commitTimeOf(
  workspace: string,
  git: Git,
  log: Pick<Log, "warning">,
): Promise<number> {
  const said = await git("log", "-1", "--format=%ct");
  if (said !== "") return Number(said);
  log.warning(
    `${workspace} is no checkout with a commit, so that the image says 1970-01-01 and no later image of that kind counts as newer. Check the sources out, or set SOURCE_DATE_EPOCH.`,
  );
  return 0;
}

/** The parts of a webhook's payload that matter here; GitHub's documentation, "Webhook events and payloads". */
interface Event {
  readonly base_ref?: string | null;
  readonly repository?: {
    readonly full_name?: string;
    readonly name?: string;
    readonly default_branch?: string;
    readonly description?: string | null;
    readonly html_url?: string;
    readonly license?: { readonly spdx_id?: string } | null;
  };
  readonly pull_request?: {
    readonly head?: { readonly repo?: { readonly full_name?: string } | null };
    readonly user?: { readonly login?: string };
  };
}

/** A UsageError for pull_request_target: its reference is the base branch, whose tag a pull request's image would take. */
export function eventFacts(github: GithubEnvironment, event: Event, commitTime: number): Facts {
  if (github.eventName === "pull_request_target")
    throw new UsageError(
      "GITHUB_EVENT_NAME: pull_request_target runs a stranger's changes as if they were the base branch's, with its secrets and its tags.",
      {
        todo: "Use `on: pull_request`, where everything is built and checked and nothing is pushed; publish on push.",
      },
    );
  const { repository } = event;
  const isPullRequest = github.eventName.startsWith("pull_request");
  const license = repository?.license?.spdx_id;
  const baseRef = github.baseRef ?? (event.base_ref || undefined);
  return {
    event: github.eventName,
    ref: github.ref,
    sha: github.sha,
    commitTime,
    defaultBranch: repository?.default_branch ?? defaultBranchOf(github),
    ...(baseRef === undefined ? {} : { baseRef }),
    repository: {
      name: repository?.name ?? github.repository.split("/")[1] ?? "",
      ...(repository?.description ? { description: repository.description } : {}),
      url: repository?.html_url ?? `${github.serverUrl}/${github.repository}`,
      ...(license === undefined || license === "NOASSERTION" ? {} : { license }),
    },
    isPullRequest,
    untrusted: isPullRequest ? stranger(github, event) : undefined,
  };
}

/** Where the event tells nothing of the repository, as a schedule's did for years: a schedule runs on the default branch. */
function defaultBranchOf({ eventName, ref }: GithubEnvironment): string {
  return eventName === "schedule" ? ref.replace(/^refs\/heads\//, "") : "main";
}

/** Dependabot's pull requests come from the repository itself, with a token that can only read. */
function stranger(
  github: GithubEnvironment,
  { pull_request: pull, repository }: Event,
): string | undefined {
  if (pull?.user?.login === "dependabot[bot]") return "Dependabot";
  const home = repository?.full_name ?? github.repository;
  return pull?.head?.repo?.full_name === home ? undefined : "a fork";
}

async function readEvent({ eventPath }: GithubEnvironment, files: Ports["files"]): Promise<Event> {
  if (eventPath === undefined) return {};
  try {
    return JSON.parse(await files.readFile(eventPath, "utf8")) as Event;
  } catch (cause) {
    throw new UsageError(`GITHUB_EVENT_PATH: ${eventPath} cannot be read as the event's JSON.`, {
      cause,
    });
  }
}

async function localFacts(git: Git, commitTime: number): Promise<Facts> {
  const [sha, branch, remote] = await Promise.all([
    git("rev-parse", "HEAD"),
    git("symbolic-ref", "--short", "HEAD"),
    git("config", "--get", "remote.origin.url"),
  ]);
  const url = repositoryPage(remote);
  return {
    event: "local",
    ref: branch === "" ? "" : `refs/heads/${branch}`,
    sha,
    commitTime,
    defaultBranch: "main",
    repository: { name: url.split("/").at(-1) || "director", url },
    isPullRequest: false,
    untrusted: undefined,
  };
}

/** `https://host/owner/name` from what git calls the remote, without credentials; empty where it is no address. */
export function repositoryPage(remote: string): string {
  const [, host, path] =
    /^(?:https?:\/\/|ssh:\/\/)?(?:[^@/]+@)?([a-z0-9.-]+\.[a-z]+)(?::\d+)?[:/](.+?)(?:\.git)?\/?$/i.exec(
      remote,
    ) ?? [];
  return host === undefined ? "" : `https://${host}/${path}`;
}

type Git = (...args: readonly string[]) => Promise<string>;

/** Git's answer, or nothing where there is no repository or no git. */
function gitIn(place: readonly string[], exec: Exec): Git {
  return async (...args) => {
    const { code, stdout } = await exec("git", [...place, ...args]).catch(() => ({
      code: 1,
      stdout: "",
    }));
    return code === 0 ? stdout.trim() : "";
  };
}
