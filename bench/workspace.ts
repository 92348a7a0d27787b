import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Results } from "../src/results/stages.ts";
import { type Buildkit, startBuildkit } from "./buildkit.ts";
import { director } from "./director.ts";
import { measured, type Usage } from "./process.ts";
import { type Access, type Registry, startRegistry } from "./registry.ts";
import type { Bench } from "./row.ts";
import { service } from "./services.ts";
import { randomFile, type Weights } from "./weights.ts";

export interface Ran {
  readonly usage: Usage;
  readonly results: Results;
  /** Models, assemble and promote: what a run takes beside BuildKit. */
  readonly besideBuildkit: number;
  /** What our own program asked of the registry. */
  readonly accesses: readonly Access[];
}

/** A checkout with a Dockerfile over the stand-in base, and a payload that stands for the node's software. */
export interface Workspace {
  /** Gives the payload other bytes. */
  change(): Promise<void>;
  /** `director-image run` into the registry. */
  run(weights: Weights, image: string, tag: string, platforms: string): Promise<Ran>;
  /** The same image as people build it by BuildKit alone, with the weights in their Dockerfile. */
  usual(weights: Weights, image: string): Promise<Usage>;
}

interface Parts {
  readonly registry: Registry;
  readonly buildkit: Buildkit;
  /** Bytes. */
  readonly payload: number;
}

/** A workspace with an empty registry and a BuildKit of its own; the payload has this many bytes. */
export async function openWorkspace(
  bench: Bench,
  payload: number,
): Promise<{ readonly registry: Registry; readonly workspace: Workspace }> {
  const registry = await startRegistry(bench.scratch);
  const buildkit = await startBuildkit(bench.scratch);
  return { registry, workspace: await makeWorkspace(bench, { registry, buildkit, payload }) };
}

async function makeWorkspace(
  bench: Bench,
  { registry, buildkit, payload }: Parts,
): Promise<Workspace> {
  const folder = await bench.scratch.folder("workspace");
  const base = `${service("TEST_BASES")}/base:bookworm`;
  await writeFile(
    join(folder, "Dockerfile.director"),
    `FROM ${base} AS runtime\nCOPY payload /app/payload\n`,
  );
  const usual = `FROM ${base}\nCOPY payload /app/payload\nCOPY --from=weights models /models\n`;
  await writeFile(join(folder, "Dockerfile.usual"), usual);
  const change = async () => {
    await rm(join(folder, "payload"), { force: true });
    await randomFile(join(folder, "payload"), payload);
  };
  await change();
  return {
    change,
    run: async (weights, image, tag, platforms) => {
      await registry.accesses();
      const usage = await director(
        bench,
        [
          ...["run", "--json", "--image", `${registry.address}/${image}`],
          ...["--models", weights.lock, "--platforms", platforms],
          ...["--driver", "remote", "--driver-opts", `endpoint=${buildkit.socket}`],
          ...["--tags", `type=raw,value=${tag}`, "--results", join(folder, "results")],
          // The image is no Director: nothing in it could be accepted.
          ...["--acceptance", "off", "--allow-untested", "a measurement"],
          ...["--trivy-db", service("TEST_TRIVY_DB")],
        ],
        folder,
      );
      const results = JSON.parse(usage.stdout) as Results;
      const stages = [results.models, results.assemble, results.promote];
      const accesses = await registry.accesses();
      return {
        usage,
        results,
        besideBuildkit: stages.reduce((sum, stage) => sum + (stage?.seconds ?? 0), 0),
        accesses: accesses.filter(({ agent }) => agent.startsWith("director-image")),
      };
    },
    usual: (weights, image) =>
      buildkit.build(
        ...["--file", join(folder, "Dockerfile.usual"), "--platform", "linux/amd64,linux/arm64"],
        ...["--build-context", `weights=${weights.folder}`],
        ...["--output", `type=image,name=${registry.address}/${image}:usual,push=true`, folder],
      ),
  };
}

/** Reads and unpacks blobs once, one after the other. */
export async function readOnce(urls: readonly string[]): Promise<Usage> {
  const script = `set -euo pipefail; for url in "$@"; do curl -fsS "$url" | gzip -dc >/dev/null; done`;
  return measured("bash", ["-c", script, "read", ...urls]);
}
