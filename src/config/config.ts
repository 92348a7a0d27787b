import type { Digest } from "../images/digest.ts";
import type { Platform } from "../images/platform.ts";
import type { Reference } from "../images/reference.ts";
import type { deliveries } from "../results/stages.ts";
import type { AttestInputs } from "./attest.ts";
import type { StageName } from "./input.ts";

/** Everything that a run was told, checked and frozen. Sizes in bytes, times in seconds. */
export interface Config {
  readonly stage: StageName | "all";
  /** The checkout, which relative paths start from. */
  readonly workspace: string;
  /** A folder for what lives as long as the run. */
  readonly temporary: string;
  readonly results: string;
  readonly image: Reference;
  readonly platforms: readonly Platform[];
  readonly models: {
    /** Path of the lock; undefined: no weights. */
    readonly lock: string | undefined;
    readonly delivery: (typeof deliveries)[number];
    readonly repository: Reference;
  };
  /** Of jobs of their own; undefined where nothing was said. */
  readonly runners: Readonly<Record<Platform, RunnerLabels>> | undefined;
  readonly gpuRunner: RunnerLabels | undefined;
  /** Commit of the reusable workflow that calls. */
  readonly workflowSha: string | undefined;
  /** Of the candidate, as the job that made it told. */
  readonly expectedDigest: Digest | undefined;
  /** The action that runs, where a workflow names it so. */
  readonly action: { readonly repository: string; readonly ref: string } | undefined;
  readonly push: "auto" | "true" | "false";
  readonly layout: string;
  readonly tags: readonly string[];
  readonly flavor: readonly string[];
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
  readonly registry: Credentials | undefined;
  /** GitHub's REST API, checked where it is first used. */
  readonly github: { readonly api: string; readonly token: string | undefined };
  readonly hub: { readonly endpoint: URL; readonly token: string | undefined };
  readonly downloadMirror: string | undefined;
  readonly build: BuildInputs;
  readonly scan: ScanInputs;
  readonly acceptance: AcceptanceInputs;
  readonly attest: AttestInputs;
  readonly promote: {
    readonly allowUntested: string | undefined;
    readonly force: boolean;
    /** Whether tags move only where an operator gets something by the candidate. */
    readonly onlyChanged: boolean;
  };
}

/** What `runs-on` takes: a label, or several that a runner must all have. */
export type RunnerLabels = string | readonly string[];

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface BuildInputs {
  readonly context: string;
  readonly file: string;
  /** Undefined: `runtime` where the file has that stage. */
  readonly target: string | undefined;
  readonly args: Readonly<Record<string, string>>;
  readonly contexts: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly secretFiles: readonly string[];
  readonly secretEnvs: readonly string[];
  readonly ssh: readonly string[];
  readonly noCache: boolean;
  /** Stages whose steps are run again whatever the cache has. */
  readonly noCacheFilters: readonly string[];
  readonly pull: boolean;
  readonly network: string | undefined;
  readonly addHosts: readonly string[];
  readonly allow: readonly string[];
  readonly shmSize: string | undefined;
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly cache: "registry" | "gha" | "none";
  readonly builder: string | undefined;
  readonly driver: "docker-container" | "docker" | "remote" | "kubernetes";
  readonly driverOpts: readonly string[];
  readonly buildkitdConfig: string | undefined;
  readonly buildxVersion: string;
  readonly provenance: "auto" | "true" | "false";
}

export interface ScanInputs {
  readonly failOn: string;
  readonly ignoreUnfixed: boolean;
  readonly policy: string | undefined;
  readonly database: string | undefined;
  readonly databaseMaxAge: number;
  readonly trivyVersion: string;
  readonly minPackages: number;
  readonly sarifUpload: "auto" | "always" | "never";
  readonly sarifFile: string;
}

export interface AcceptanceInputs {
  readonly mode: "auto" | "required" | "off";
  readonly gpu: "auto" | "required" | "off";
  readonly startupTimeout: number;
  readonly shutdownTimeout: number;
  readonly maxVram: number;
  readonly maxImageSize: number;
  readonly minDriver: string;
  readonly memory: number;
  readonly cpus: number;
  readonly slots: number;
  readonly chainUrl: string | undefined;
}
