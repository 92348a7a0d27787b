import { join, resolve } from "node:path";
import { arch, platform as os } from "node:process";
import { build, nativeDigest } from "../buildx/build.ts";
import { useBuilder } from "../buildx/builder.ts";
import type { Docker } from "../buildx/docker.ts";
import { findSource } from "../buildx/dockerfile.ts";
import { refreshing, refuseUnknownStages } from "../buildx/refresh.ts";
import { setUpDocker } from "../buildx/set-up.ts";
import type { Config } from "../config/config.ts";
import { parsePlace, type Reference } from "../images/reference.ts";
import type { BuildResult, PrepareResult } from "../results/stages.ts";
import { transfer } from "../stores/transfer.ts";
import { rememberBuilder } from "./clean-up.ts";
import { jobName, jobPlatforms } from "./job.ts";
import { needed } from "./needed.ts";
import { loginOf } from "./open.ts";
import type { Ports } from "./ports.ts";
import { remembered } from "./remembered-build.ts";
import type { Stage } from "./stage.ts";

/** Builds the runtime image, without weights, and leaves it where assemble finds it: in the target by digest, or a layout in the results folder. */
export async function buildStage(
  { config, facts, results, earlier = [] }: Stage,
  ports: Ports,
): Promise<BuildResult> {
  const plan = needed(results, "prepare");
  const scratch = await ports.files.mkdtemp(join(config.temporary, "director-image-build-"));
  ports.made(scratch);
  try {
    const docker = await setUpDocker(
      {
        env: ports.env,
        login: loginOf(config),
        buildxVersion: config.build.buildxVersion,
        downloadMirror: config.downloadMirror,
        machine: { os, architecture: arch },
        scratch,
      },
      ports,
    );
    const keep = facts.event === "local";
    const work = { config, plan, scratch, keep, earlier };
    const built = await buildWith(docker.docker, work, ports);
    return await pushed(built, config, plan, ports);
  } finally {
    await ports.files.rm(scratch, { recursive: true, force: true });
  }
}

interface Work {
  readonly config: Config;
  readonly plan: PrepareResult;
  readonly scratch: string;
  /** A person's machine keeps the builder with its cache for the next run. */
  readonly keep: boolean;
  readonly earlier: readonly BuildResult[];
}

async function buildWith(
  docker: Docker,
  { config, plan, scratch, keep, earlier }: Work,
  ports: Ports,
): Promise<BuildResult> {
  const { files, clock, log, signal, open } = ports;
  const platforms = jobPlatforms(config, plan);
  const source = await findSource(
    {
      ...config.build,
      workspace: config.workspace,
      own: ownSource(ports.home, resolve(config.workspace, config.build.context)),
    },
    files,
  );
  refuseUnknownStages(config.build, source);
  const options = { ...config.build, ...refreshing(config.build, source, plan.source.refresh) };
  const target = parsePlace(plan.target);
  const image = parsePlace(plan.image);
  const builder = await useBuilder(
    { ...options, registry: image.kind === "registry" ? image.registry : undefined, keep },
    {
      docker,
      clock,
      signal,
      announce: (name) => rememberBuilder(name, scratch, docker.env, files),
    },
  );
  const login = loginOf(config);
  const layout = jobName("runtime", config, plan);
  const repository = plan.push && target.kind === "registry" ? plan.target : undefined;
  const request = {
    ...{ source, platforms, options, labels: {}, annotations: {}, repository, scratch },
    epoch: plan.source.commitTime,
    cacheRepository: image.kind === "registry" ? plan.image : undefined,
    mayPush: plan.cacheMayBeWritten,
    layout: join(config.results, layout),
  };
  const storeAt = (place: string) => open(parsePlace(place), { login });
  const buildPorts = { docker, files, clock, log, signal, storeAt };
  const make = async (): Promise<BuildResult> => {
    const made = await build(builder, request, buildPorts);
    return made.repository.startsWith("oci:") ? { ...made, repository: `oci:${layout}` } : made;
  };
  if (!keep || options.noCache || options.noCacheFilters.length > 0)
    return make().finally(builder.remove);
  return remembered(
    make,
    { earlier, platforms, repository: repository ?? `oci:${layout}` },
    {
      native: () => nativeDigest(builder, request, buildPorts),
      storeOf: (built) => open(runtimePlace(built, config), { login }),
      log,
    },
  ).finally(builder.remove);
}

/** A driver that cannot push by digest leaves a layout; where the image may be pushed, it goes to the target now. */
async function pushed(
  built: BuildResult,
  config: Config,
  plan: PrepareResult,
  { open, signal, log }: Ports,
): Promise<BuildResult> {
  const target = parsePlace(plan.target);
  const from = runtimePlace(built, config);
  if (!plan.push || target.kind === "layout" || from.kind === "registry") return built;
  const to = open(target, { login: loginOf(config) });
  log.info(`Sending the runtime to ${to.name}, since this builder cannot.`);
  const tops =
    built.indexes.length > 0 ? built.indexes : built.platforms.map(({ digest }) => digest);
  for (const digest of tops) await transfer(digest, open(from), to, { signal });
  return { ...built, repository: plan.target };
}

/** Where a build's images are; a layout's folder is written relative to the results folder, which may have moved to another machine. */
export function runtimePlace(
  { repository }: Pick<BuildResult, "repository">,
  { results }: Pick<Config, "results">,
): Reference {
  const place = parsePlace(repository);
  return place.kind === "layout" ? { ...place, folder: join(results, place.folder) } : place;
}

/** What is built where the workspace has no Dockerfile.director: the action's own, with its own node as named contexts. */
export function ownSource(home: string, context: string) {
  return {
    file: join(home, "Dockerfile.director"),
    context,
    contexts: { "director-source": join(home, "director"), "vortex-source": join(home, "vortex") },
  };
}
