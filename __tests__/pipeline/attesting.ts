import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "@jest/globals";
import { readAttached } from "../../src/attest/artifact.ts";
import { predicateTypes } from "../../src/attest/predicates.ts";
import { parseStatement, type Statement } from "../../src/attest/statement.ts";
import { readEnvironment } from "../../src/config/environment.ts";
import type { Facts } from "../../src/config/facts.ts";
import { readConfig } from "../../src/config/read.ts";
import { type Digest, digestOf } from "../../src/images/digest.ts";
import { formatLock } from "../../src/models/lock-text.ts";
import { opener } from "../../src/pipeline/open.ts";
import { prepare } from "../../src/pipeline/prepare.ts";
import { promoteStage } from "../../src/pipeline/promote-stage.ts";
import type { Store } from "../../src/ports/store.ts";
import type { PromoteResult, Results } from "../../src/results/stages.ts";
import { type Signer, signedStatement } from "../../src/sigstore/verify.ts";
import { transfer } from "../../src/stores/transfer.ts";
import type { Fault } from "../fakes/faults.ts";
import { type FakeRegistry, startRegistry } from "../fakes/registry.ts";
import type { RegistryBehaviour } from "../fakes/registry-state.ts";
import { type FakeSigstore, type JobClaims, startSigstore } from "../fakes/sigstore.ts";
import { open, type TestPorts, testPorts } from "../stores/ports.ts";
import { attested, buildkit, fill } from "./attesting-inputs.ts";
import { putRuntime, yard } from "./images.ts";

export interface World {
  readonly registry: FakeRegistry;
  readonly sigstore: FakeSigstore;
  /** The repository that is published to. */
  readonly store: Store;
  readonly ports: TestPorts;
  readonly results: Results;
  /** The results folder. */
  readonly folder: string;
  /** The stage promote, as a job with `id-token: write` runs it. */
  promote(more?: Wishes): Promise<PromoteResult>;
  /** What is attached to the candidate, each bundle proved. */
  said(): Promise<readonly Said[]>;
}

interface Said {
  readonly digest: Digest;
  readonly statement: Statement;
  readonly signer: Signer;
}

interface Wishes {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly results?: Partial<Results>;
}

export interface Setting {
  readonly behaviour?: RegistryBehaviour;
  readonly registryFaults?: readonly Fault[];
  readonly claims?: JobClaims;
  readonly signingFaults?: Parameters<typeof startSigstore>[1];
  /** What BuildKit says of the first runtime. */
  readonly provenance?: object;
}

/** What promote attaches to an image of two platforms with everything, in its order. */
export const types = [
  predicateTypes.provenance,
  buildkit.predicateType,
  ...[predicateTypes.sbom, predicateTypes.sbom],
  ...[predicateTypes.scan, predicateTypes.scan],
  predicateTypes.acceptance,
];
export const commits = { built: "b".repeat(40), event: "e".repeat(40) };
const base = { name: "docker.io/library/ubuntu:22.04", digest: digestOf("ubuntu") };

/** Registries, a Sigstore and a results folder after assemble and accept, for each test anew. */
export function attesting(): (setting?: Setting) => Promise<World> {
  const given = yard();
  const closing: (() => Promise<unknown>)[] = [];
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "attesting-"));
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    await rm(folder, { recursive: true });
  });
  return async ({ behaviour, registryFaults, claims, signingFaults, provenance } = {}) => {
    const registry = await startRegistry(behaviour, registryFaults);
    const sigstore = await startSigstore(claims, signingFaults);
    closing.push(registry.close, sigstore.close);
    const { auth } = behaviour ?? {};
    const ports = testPorts();
    const login = auth && {
      login: { registry: registry.host, username: auth.username, password: auth.password },
    };
    const store = open(`${registry.host}/nsn/director`, login, ports);
    const runtimeStore = open(`oci:${join(folder, "runtime")}`, {}, ports);
    const runtimes = [
      await putRuntime(runtimeStore, [{ "models/": 1000, "app/": 0, "app/amd64": "1" }]),
      await putRuntime(runtimeStore, [{ "models/": 1000, "app/": 0, "app/arm64": "1" }], {
        platform: "linux/arm64",
      }),
    ];
    const candidate = await given.assemble(runtimes);
    await transfer(candidate.digest, given.target, store);
    await fill(folder, formatLock(given.lock), sigstore);
    const config = (more: Wishes) => configOf({ folder, registry, sigstore, behaviour }, more);
    const plan = prepare(config({}), facts, Date.now(), ports.log);
    const results: Results = {
      prepare: plan,
      models: {
        ...{ digest: digestOf("models"), repository: plan.image, layers: [], files: [] },
        ...{ bytesUploaded: 0, bytesRead: 0, requests: 0 },
      },
      build: [
        {
          platforms: runtimes.map(({ platform, digest }) => ({ platform, digest, size: 1, base })),
          ...{ repository: "oci:runtime", cached: false },
          indexes: [await attested(runtimes, runtimeStore, provenance)],
        },
      ],
      scan: runtimes.map(({ platform, digest, diffIds }) => ({
        verdict: "passed",
        platforms: [{ platform, digest, diffIds: [...diffIds], findings: [] }],
        database: { updatedAt: "2026-11-28T00:00:00Z", source: "mirror" },
        finished: "2026-11-29T00:00:00Z",
        scanner: { version: "0.74.0", path: "/home/somebody/trivy" },
        published: { tag: "latest", digest: digestOf("the image before"), platforms: [] },
      })),
      assemble: candidate,
      accept: [
        {
          ...{ digest: candidate.digest, platform: "linux/amd64", target: "container" },
          ...{ verdict: "passed", checks: [{ name: "startup", verdict: "passed" }] },
          logs: [{ at: 1, text: "a secret of the node" }],
        },
      ],
    };
    const { signal } = new AbortController();
    return {
      ...{ registry, sigstore, store, ports, results, folder },
      promote: (more = {}) =>
        promoteStage(
          { config: config(more), facts, results: { ...results, ...more.results } },
          { ...stagePorts(ports), signal },
        ),
      said: () => said(store, candidate.digest, sigstore.root),
    };
  };
}

/** Promotes in vain: nothing may have moved, whatever went wrong. */
export async function movesNothing(
  { store, promote }: World,
  error: object | RegExp,
  more: Wishes = {},
): Promise<void> {
  await expect(promote(more)).rejects.toThrow(error as RegExp);
  expect((await store.tags()).filter((tag) => !tag.startsWith("sha256-"))).toEqual([]);
}

const facts: Facts = {
  ...{ event: "schedule", ref: "refs/heads/main", sha: commits.event, checkedOut: commits.built },
  ...{ commitTime: 1_762_646_400, defaultBranch: "main", isPullRequest: false },
  repository: { name: "director", url: "https://github.com/nsn/director" },
  untrusted: undefined,
};

/** What a runner's environment and a workflow's inputs say. */
function configOf(
  {
    folder,
    registry,
    sigstore,
    behaviour,
  }: Pick<World, "folder" | "registry" | "sigstore"> & {
    behaviour: RegistryBehaviour | undefined;
  },
  { inputs = {}, variables = {} }: Wishes,
) {
  const { auth } = behaviour ?? {};
  const environment = readEnvironment(
    {
      ...{
        GITHUB_ACTIONS: "true",
        GITHUB_EVENT_NAME: "schedule",
        GITHUB_REPOSITORY: "nsn/director",
      },
      ...{ ACTIONS_ID_TOKEN_REQUEST_URL: sigstore.source.url },
      ...{ ACTIONS_ID_TOKEN_REQUEST_TOKEN: sigstore.source.token, ...variables },
    },
    folder,
  );
  const given: Readonly<Record<string, string>> = {
    ...{ image: `${registry.host}/nsn/director`, results: join(folder) },
    ...{
      sigstore: join(folder, "sigstore.json"),
      tags: "type=raw,value=1.0",
      flavor: "latest=true",
    },
    ...(auth && { "registry-username": auth.username, "registry-password": auth.password }),
    ...inputs,
  };
  return readConfig((name) => given[name], { ...environment, workspace: join(folder, "ws") });
}

function stagePorts(ports: TestPorts) {
  const unused = () => {
    throw new Error("promote needs no such thing");
  };
  return {
    ...ports,
    ...{ spawn: unused, env: {}, home: "", made: unused },
    tools: { find: unused, keep: unused },
    cache: { restore: unused, save: unused },
    open: opener({}, ports),
  };
}

async function said(store: Store, image: Digest, root: unknown): Promise<readonly Said[]> {
  const all: Said[] = [];
  for (const referrer of await store.referrers(image)) {
    const attached = await readAttached(store, referrer, image);
    if (attached === undefined) continue;
    const { statement, signer } = signedStatement(attached.bundle, root);
    all.push({ digest: attached.digest, statement: parseStatement(statement), signer });
  }
  return all;
}
