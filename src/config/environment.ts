import { tmpdir } from "node:os";
import { UsageError } from "../errors.ts";
import type { TokenSource } from "../sigstore/token.ts";

/** What the variables around a run say; read here and nowhere else. */
export interface Environment {
  readonly temporary: string;
  /** The checkout: GITHUB_WORKSPACE, else the current folder. */
  readonly workspace: string;
  readonly owner: string | undefined;
  readonly actor: string | undefined;
  readonly hubEndpoint: string;
  readonly hubToken: string | undefined;
  /** Of GitHub's REST API; on a server of one's own it has a path. */
  readonly githubApi: string;
  /** With the names of the variables: what they say is checked where the network is first used. */
  readonly network: {
    readonly httpProxy?: Variable;
    readonly httpsProxy?: Variable;
    readonly noProxy?: Variable;
    readonly extraCertificates?: Variable;
  };
  /** Seconds since 1970 (reproducible-builds.org); wins over the commit's time. */
  readonly sourceDateEpoch: number | undefined;
  /** Where a job gets tokens that say which workflow it runs; undefined without `id-token: write`. */
  readonly identity: TokenSource | undefined;
  /** Undefined outside GitHub's runners. */
  readonly github: GithubEnvironment | undefined;
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

export interface GithubEnvironment {
  readonly eventName: string;
  readonly eventPath: string | undefined;
  readonly ref: string;
  readonly sha: string;
  readonly baseRef: string | undefined;
  readonly repository: string;
  readonly serverUrl: string;
  /** The action that runs, where a workflow names it by repository and reference; not for `uses: ./`. */
  readonly action: { readonly repository: string; readonly ref: string } | undefined;
  /** Of the workflow's run; not in every imitation of a runner. */
  readonly runId?: string;
}

export type Variables = Readonly<Record<string, string | undefined>>;

export function readEnvironment(variables: Variables, folder: string): Environment {
  const { GITHUB_REPOSITORY: repository } = variables;
  return {
    temporary: variables["RUNNER_TEMP"] || tmpdir(),
    workspace: variables["GITHUB_WORKSPACE"] || folder,
    owner: variables["GITHUB_REPOSITORY_OWNER"] || repository?.split("/")[0] || undefined,
    actor: variables["GITHUB_ACTOR"] || undefined,
    hubEndpoint: (variables["HF_ENDPOINT"] || "https://huggingface.co").replace(/\/+$/, ""),
    hubToken: variables["HF_TOKEN"] || undefined,
    githubApi: variables["GITHUB_API_URL"] || "https://api.github.com",
    network: networkOf(variables),
    sourceDateEpoch: epochOf(variables["SOURCE_DATE_EPOCH"]),
    identity: identityOf(variables),
    github: githubOf(variables),
  };
}

function epochOf(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^\d+$/.test(text))
    throw new UsageError(`SOURCE_DATE_EPOCH: "${text}" is not a number of seconds since 1970.`);
  // An image's `created` is RFC 3339, whose years have four digits.
  if (Number(text) >= Date.UTC(10_000, 0) / 1000)
    throw new UsageError(
      `SOURCE_DATE_EPOCH: "${text}" is after the year 9999; wanted seconds since 1970.`,
    );
  return Number(text);
}

function networkOf(variables: Variables): Environment["network"] {
  const pick = (setting: string, ...from: readonly string[]) => {
    const found = from
      .map((name) => ({ name, value: variables[name] ?? "" }))
      .find(({ value }) => value !== "");
    return found === undefined ? {} : { [setting]: found };
  };
  return {
    ...pick("httpProxy", "http_proxy", "HTTP_PROXY"),
    ...pick("httpsProxy", "https_proxy", "HTTPS_PROXY"),
    ...pick("noProxy", "no_proxy", "NO_PROXY"),
    ...pick("extraCertificates", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"),
  };
}

function identityOf(variables: Variables): TokenSource | undefined {
  const url = variables["ACTIONS_ID_TOKEN_REQUEST_URL"];
  const token = variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
  return url && token ? { url, token } : undefined;
}

function githubOf(variables: Variables): GithubEnvironment | undefined {
  if (variables["GITHUB_ACTIONS"] !== "true") return undefined;
  return {
    eventName: variables["GITHUB_EVENT_NAME"] ?? "",
    eventPath: variables["GITHUB_EVENT_PATH"] || undefined,
    ref: variables["GITHUB_REF"] ?? "",
    sha: variables["GITHUB_SHA"] ?? "",
    baseRef: variables["GITHUB_BASE_REF"] || undefined,
    repository: variables["GITHUB_REPOSITORY"] ?? "",
    serverUrl: variables["GITHUB_SERVER_URL"] ?? "https://github.com",
    action: actionOf(variables),
    ...(variables["GITHUB_RUN_ID"] ? { runId: variables["GITHUB_RUN_ID"] } : {}),
  };
}

function actionOf(variables: Variables): GithubEnvironment["action"] {
  const { GITHUB_ACTION_REPOSITORY: repository, GITHUB_ACTION_REF: ref } = variables;
  return repository && ref ? { repository, ref } : undefined;
}
