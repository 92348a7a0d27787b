import { mkdir, mkdtemp, readdir, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CompleteLock, Lock } from "../../src/models/lock.ts";
import { pushModels } from "../../src/models/push.ts";
import { type RegistryProcess, startRegistryProcess } from "../fakes/registry-process.ts";
import { type ResultsService, startResultsService } from "../fakes/results-service.ts";
import { service } from "../fakes/service.ts";
import { openLock, publish, startWorld, type World, weights } from "../models/world.ts";
import { type Event, type Run, runWorkflow, type Trial } from "./act.ts";
import { checkOutAction, makeWorkspace, type Workspace } from "./workspace.ts";

/** All that the workflows of a test file need: a registry, a hub with two small models, the results service, the action checked out. */
export interface Trials {
  readonly registry: RegistryProcess;
  /** The image's repository there. */
  readonly image: string;
  readonly hub: World["hub"];
  readonly results: ResultsService;
  readonly lock: Lock;
  /** The hub's; may be changed at any time. */
  readonly faults: World["faults"];
  /** The lock with its layers. */
  complete(): Promise<CompleteLock>;
  readonly workspace: Workspace;
  /** Of the latest run: HOME, DOCKER_CONFIG, and a folder where steps leave what a test looks at. */
  readonly folders: { readonly home: string; readonly docker: string; readonly kept: string };
  run(workflow: string, event: Event, more?: Partial<Trial>): Promise<Run>;
  close(): Promise<void>;
}

export async function startTrials({ htpasswd }: { htpasswd?: string } = {}): Promise<Trials> {
  const begun: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const end of begun.toReversed()) await end();
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), "trials-"));
    begun.push(() => rm(folder, { recursive: true, force: true }));
    const world = await startWorld();
    begun.push(() => world.close());
    const registry = await startRegistryProcess({ htpasswd });
    begun.push(() => registry.close());
    const image = `${registry.host}/operator/director`;
    const results = await startResultsService();
    begun.push(() => results.close());
    const lock = openLock(
      await publish(world, "kokoro-82m", { "kokoro.safetensors": weights(300_000, 1) }),
      await publish(world, "clip-vit-b-32", {
        "model.safetensors": weights(200_000, 2),
        "config.json": Buffer.from('{"model_type":"clip"}\n'),
      }),
    );
    await mkdir(join(folder, "workspace"));
    const workspace = await makeWorkspace(join(folder, "workspace"), lock);
    const action = join(folder, "action");
    await checkOutAction(action);
    let number = 0;
    let folders = { home: "", docker: "", kept: "" };
    const run: Trials["run"] = async (workflow, event, more = {}) => {
      number += 1;
      folders = await makeFolders(join(folder, `run-${number}`));
      return runWorkflow({
        ...{ workspace: workspace.folder, home: folders.home, workflow, event, action },
        ...more,
        variables: {
          IMAGE: image,
          BUILDKIT: service("TEST_BUILDKIT_ADDR"),
          TRIVY_DB: service("TEST_TRIVY_DB"),
          KEPT: folders.kept,
          ...more.variables,
        },
        env: {
          DOCKER_CONFIG: folders.docker,
          ORIGIN: workspace.folder,
          HF_ENDPOINT: world.hub.endpoint,
          ACTIONS_RESULTS_URL: results.url,
          ACTIONS_RUNTIME_TOKEN: results.token("job", number),
          ...more.env,
        },
      });
    };
    return {
      ...{
        registry,
        image,
        hub: world.hub,
        faults: world.faults,
        results,
        lock,
        workspace,
        run,
        close,
      },
      complete: async () =>
        (await pushModels(lock, { ...world.ports, store: world.store() }, { platforms: [] })).lock,
      get folders() {
        return folders;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the stages of a run leave, each in a job of its own: one artifact a stage, and one a platform of the build and of the scan. */
export const allArtifacts = [
  ...["director-image-accept", "director-image-assemble"],
  ...["director-image-build-linux-amd64", "director-image-build-linux-arm64"],
  ...["director-image-models", "director-image-prepare", "director-image-promote"],
  ...["director-image-scan-linux-amd64", "director-image-scan-linux-arm64"],
] as const;

/** A home and a docker configuration of its own, with the buildx of the services and no builders. */
async function makeFolders(folder: string): Promise<Trials["folders"]> {
  const [home, docker, kept] = ["home", "docker", "kept"].map((name) => join(folder, name));
  if (home === undefined || docker === undefined || kept === undefined) throw new Error("three");
  for (const one of [home, docker, kept]) await mkdir(one, { recursive: true });
  await symlink(join(service("DOCKER_CONFIG"), "cli-plugins"), join(docker, "cli-plugins"));
  return { home, docker, kept };
}

/** Builders that docker knew when the job was over (actions/witness). */
export async function builders({ folders }: Trials): Promise<readonly string[]> {
  return readdir(join(folders.kept, "docker", "buildx", "instances"));
}

/** What the step left in RUNNER_TEMP, but for the results folder. */
export async function leftBehind({ folders }: Trials): Promise<readonly string[]> {
  const left = await readdir(join(folders.kept, "temp"));
  return left.filter((name) => name !== "director-image");
}

/** Every file below a folder with its size and time: equal lists mean that nothing was written. */
export async function snapshot(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await stat(path);
    return `${path} ${entry.isFile() ? size : "folder"} ${mtimeMs}`;
  });
  return (await Promise.all(lines)).sort();
}
