import { join } from "node:path";
import { UsageError } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import { type Platform, platformsInName } from "../images/platform.ts";
import type { Clock } from "../ports/clock.ts";
import type { Files } from "../ports/files.ts";
import { type Log, maskSecret } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { BuildResult } from "../results/stages.ts";
import { commandLine, type Invocation, type Output } from "./arguments.ts";
import { baseImage } from "./base-image.ts";
import type { Builder } from "./builder.ts";
import { type Docker, run } from "./docker.ts";
import { checkPlatforms } from "./emulation.ts";
import { buildError } from "./failure.ts";
import { builtDigest, readBuilt } from "./outcome.ts";
import { follow, isCached, nothingYet, type Progress } from "./progress.ts";

export interface BuildRequest
  extends Omit<Invocation, "builder" | "output" | "metadataFile" | "source"> {
  readonly source: Invocation["source"];
  /** Repository that the image is pushed to, by digest; undefined: nothing is pushed. */
  readonly repository: string | undefined;
  /** Folder of the layout that is written where nothing is pushed, or the builder's driver cannot push by digest. */
  readonly layout: string;
  /** A folder for the metadata file; it must be there. */
  readonly scratch: string;
}

export interface BuildPorts {
  readonly docker: Docker;
  readonly files: Pick<Files, "readFile" | "rm" | "access">;
  readonly clock: Pick<Clock, "now">;
  readonly log: Log;
  /** Opens a repository (`127.0.0.1:5000/r`) or a layout (`oci:DIR`). */
  readonly storeAt: (place: string) => Store;
  readonly signal?: AbortSignal;
}

/**
 * Builds the runtime image. Afterwards it is in the repository by digest, or in the layout: the result's `repository` says which (`oci:DIR`
 * although `repository` was asked for: the docker driver cannot push by digest, so the layout must be transferred). A Dockerfile that
 * fails is a CheckError, a wrong input a UsageError, everything else a CommandError or RemoteError.
 */
export async function build(
  builder: Builder,
  request: BuildRequest,
  ports: BuildPorts,
): Promise<BuildResult> {
  const { clock, files, log, storeAt } = ports;
  checkPlatforms(request.platforms, builder);
  await checkSecrets(request, ports);
  const begin = clock.now();
  const output = outputFor(builder, request);
  const metadataFile = await freshMetadata(request, files);
  const title = `Build ${request.platforms.join(", ")} with ${builder.name} (${builder.driver})`;
  if ("layout" in output) await files.rm(output.layout, { recursive: true, force: true });
  const progress = await log.group(title, () =>
    start({ ...request, builder: builder.name, output, metadataFile }, ports),
  );
  const digest = builtDigest(await files.readFile(metadataFile, "utf8"));
  const place = "push" in output ? output.push : `oci:${output.layout}`;
  const baseOf = await bases(request, files);
  return {
    ...(await readBuilt(storeAt(place), digest, request.platforms, baseOf)),
    repository: place,
    cached: isCached(progress),
    seconds: (clock.now() - begin) / 1000,
  };
}

/** Builds, and tells the digest that BuildKit itself has of the result. Nothing is written, compressed or pushed: seconds where nothing changed. */
export async function nativeDigest(
  { name }: Pick<Builder, "name">,
  request: BuildRequest,
  ports: BuildPorts,
): Promise<Digest> {
  const metadataFile = await freshMetadata(request, ports.files);
  const call = { ...request, builder: name, mayPush: false, metadataFile };
  await start({ ...call, output: { native: true } }, ports);
  return builtDigest(await ports.files.readFile(metadataFile, "utf8"));
}

async function freshMetadata(
  { scratch, platforms }: Pick<BuildRequest, "scratch" | "platforms">,
  { rm }: Pick<Files, "rm">,
): Promise<string> {
  const path = join(scratch, `build-${platformsInName(platforms)}.metadata.json`);
  await rm(path, { force: true });
  return path;
}

/** The docker driver does not implement push by digest (its image store would have to hold the result under a name). */
function outputFor(
  { driver }: Pick<Builder, "driver">,
  { repository, layout }: Pick<BuildRequest, "repository" | "layout">,
): Exclude<Output, { native: true }> {
  return repository === undefined || driver === "docker" ? { layout } : { push: repository };
}

/** Names the image that the target stands on; a Dockerfile that BuildKit fetched itself cannot be read here. */
async function bases({ source, options }: BuildRequest, files: Pick<Files, "readFile">) {
  const text = await files.readFile(source.file, "utf8").catch(() => undefined);
  return (platform: Platform) =>
    text === undefined ? undefined : baseImage(text, source, options.args, platform);
}

async function start(call: Invocation, { docker, log, signal }: BuildPorts): Promise<Progress> {
  const { args, env } = commandLine(call);
  for (const secret of Object.values(env)) maskSecret(log, secret);
  let progress = nothingYet;
  const result = await run(docker, args, {
    env,
    ...(signal === undefined ? {} : { signal }),
    onLine: (line) => {
      const next = follow(progress, line);
      progress = next.progress;
      for (const shown of next.shown) log.info(shown);
    },
  });
  if (result.code !== 0) throw buildError(call.source, result, progress);
  return progress;
}

/** Secrets come from files and variables that are there: buildx would only say so after a while. */
async function checkSecrets(
  { options }: BuildRequest,
  { docker, files }: BuildPorts,
): Promise<void> {
  for (const line of options.secretEnvs) {
    const variable = line.slice(line.indexOf("=") + 1);
    if (docker.env[variable] === undefined)
      throw new UsageError(`secret-envs: the variable ${variable} is not set.`);
  }
  for (const line of options.secretFiles) {
    const file = line.slice(line.indexOf("=") + 1);
    await files.access(file).catch((cause: unknown) => {
      throw new UsageError(`secret-files: ${file} cannot be read.`, { cause });
    });
  }
}
