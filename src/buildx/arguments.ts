import { UsageError } from "../errors.ts";
import { type Platform, platformsInName } from "../images/platform.ts";
import type { Source } from "./dockerfile.ts";

/** The inputs that go to BuildKit as they are; the configuration's `build` has all of them. */
export interface BuildOptions {
  readonly args: Readonly<Record<string, string>>;
  /** `ID=VALUE`, `ID=FILE`, `ID=VARIABLE`. */
  readonly secrets: readonly string[];
  readonly secretFiles: readonly string[];
  readonly secretEnvs: readonly string[];
  readonly ssh: readonly string[];
  readonly noCache: boolean;
  readonly noCacheFilters: readonly string[];
  readonly pull: boolean;
  readonly network: string | undefined;
  readonly addHosts: readonly string[];
  readonly allow: readonly string[];
  readonly shmSize: string | undefined;
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly cache: "registry" | "gha" | "none";
  /** `auto`: without the values of build arguments; `true`: everything BuildKit knows. */
  readonly provenance: "auto" | "true" | "false";
}

/** Everything that decides one call of `docker buildx build`. */
export interface Invocation {
  readonly builder: string;
  readonly source: Source;
  readonly platforms: readonly Platform[];
  readonly options: BuildOptions;
  readonly labels: Readonly<Record<string, string>>;
  /** With their places (`manifest:key`); those of the index are written when the final image is assembled. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The commit's time, seconds since 1970: the build argument SOURCE_DATE_EPOCH, for instructions that ask for it. */
  readonly epoch: number;
  readonly output: Output;
  /** Repository of BuildKit's registry cache. */
  readonly cacheRepository: string | undefined;
  /** False: nothing leaves this machine, no cache either. */
  readonly mayPush: boolean;
  readonly metadataFile: string;
}

/** 1980-01-01, the earliest that every archive format can say: the latest time of a file in a runtime layer. */
const layerTime = 315_532_800;

/** `native`: nothing is kept, only the digest of what BuildKit has, without rewriting or compressing anything. */
export type Output =
  | { readonly push: string }
  | { readonly layout: string }
  | { readonly native: true };

export interface CommandLine {
  readonly args: readonly string[];
  /** Secrets, which are never arguments: every user of the machine can read those. */
  readonly env: Readonly<Record<string, string>>;
}

/** The call of `docker buildx build`. Pure. A secret that is not `ID=…` is a UsageError without its value. */
export function commandLine(call: Invocation): CommandLine {
  const { builder, source, platforms, options, labels, annotations, epoch } = call;
  const secrets = secretsOf(options);
  const args = [
    ...["buildx", "build", "--builder", builder, "--progress", "rawjson"],
    ...["--file", source.file, "--platform", platforms.join(",")],
    ...(source.target === undefined ? [] : ["--target", source.target]),
    ...pairs("--build-arg", { SOURCE_DATE_EPOCH: String(epoch), ...options.args }),
    ...pairs("--build-context", source.contexts),
    ...pairs("--label", labels),
    ...pairs("--annotation", manifestOnly(annotations)),
    ...secrets.flatMap(({ argument }) => ["--secret", argument]),
    ...options.ssh.flatMap((key) => ["--ssh", key]),
    ...flags(options),
    ...caches(call),
    ...["--provenance", "native" in call.output ? "false" : provenance(options.provenance)],
    ...["--sbom", "false"],
    ...["--output", outputOf(call.output), "--metadata-file", call.metadataFile],
    source.context,
  ];
  return { args, env: Object.assign({}, ...secrets.map(({ env }) => env)) };
}

function flags(options: BuildOptions): readonly string[] {
  const { noCache, noCacheFilters, pull, network, shmSize, addHosts, allow } = options;
  return [
    ...(noCache ? ["--no-cache"] : []),
    ...noCacheFilters.flatMap((stage) => ["--no-cache-filter", stage]),
    ...(pull ? ["--pull"] : []),
    ...(network === undefined ? [] : ["--network", network]),
    ...(shmSize === undefined ? [] : ["--shm-size", shmSize]),
    ...addHosts.flatMap((host) => ["--add-host", host]),
    ...allow.flatMap((entitlement) => ["--allow", entitlement]),
  ];
}

function provenance(mode: BuildOptions["provenance"]): string {
  return { auto: "mode=min", true: "mode=max", false: "false" }[mode];
}

/**
 * By digest, without a tag; OCI media types. Files that the build made get one fixed time: with the commit's, every layer would be another one
 * after every commit, and gigabytes of unchanged software would travel again. (`created` is set to the commit's time at assembly.)
 */
function outputOf(output: Output): string {
  if ("native" in output)
    return "type=image,push=false,store=false,unpack=false,compression=uncompressed,oci-mediatypes=true";
  const common = [
    "oci-mediatypes=true",
    "rewrite-timestamp=true",
    `source-date-epoch=${layerTime}`,
  ];
  return "push" in output
    ? [
        "type=image",
        `name=${output.push}`,
        "push-by-digest=true",
        "name-canonical=true",
        "push=true",
      ]
        .concat(common)
        .join(",")
    : ["type=oci", csv(`dest=${output.layout}`), "tar=false"].concat(common).join(",");
}

/** The index that BuildKit writes is not the final one, and a build of one platform has none: only the manifests' annotations go there. */
function manifestOnly(
  annotations: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(annotations).filter(([key]) => /^manifest(\[[^\]]*\])?:/.test(key)),
  );
}

function caches({ options, cacheRepository, mayPush, platforms }: Invocation): readonly string[] {
  const scope = platformsInName(platforms);
  const own = {
    registry:
      cacheRepository === undefined
        ? undefined
        : {
            from: `type=registry,ref=${cacheRepository}:buildcache-${scope}`,
            more: ",image-manifest=true,oci-mediatypes=true",
          },
    gha: { from: `type=gha,scope=director-image-${scope}`, more: "" },
    none: undefined,
  }[options.cache];
  const from = [...(own === undefined ? [] : [own.from]), ...options.cacheFrom];
  const to = [
    ...(own === undefined ? [] : [`${own.from},mode=max,ignore-error=true${own.more}`]),
    ...options.cacheTo,
  ];
  return [
    ...from.flatMap((cache) => ["--cache-from", cache]),
    ...(mayPush ? to.flatMap((cache) => ["--cache-to", cache]) : []),
  ];
}

function secretsOf({ secrets, secretFiles, secretEnvs }: BuildOptions) {
  return [
    ...secrets.map((line, at) => {
      const [id, value] = split("secrets", line, at);
      const variable = `DIRECTOR_IMAGE_SECRET_${at}`;
      return { argument: `${csv(`id=${id}`)},env=${variable}`, env: { [variable]: value } };
    }),
    ...secretFiles.map((line, at) => {
      const [id, file] = split("secret-files", line, at);
      return { argument: `${csv(`id=${id}`)},${csv(`src=${file}`)}`, env: {} };
    }),
    ...secretEnvs.map((line, at) => {
      const [id, variable] = split("secret-envs", line, at);
      return { argument: `${csv(`id=${id}`)},${csv(`env=${variable}`)}`, env: {} };
    }),
  ];
}

function split(input: string, line: string, at: number): readonly [id: string, rest: string] {
  const equals = line.indexOf("=");
  if (equals > 0 && equals < line.length - 1)
    return [line.slice(0, equals).trim(), line.slice(equals + 1)];
  throw new UsageError(
    `${input}: entry ${at + 1} is not of the form ID=… (it is not shown here).`,
    {
      todo: 'A value of several lines stands in quotes together with its ID: "ID=line 1⏎line 2".',
    },
  );
}

function pairs(flag: string, values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${value}`]);
}

/** One field of buildx's comma-separated values. */
function csv(field: string): string {
  return /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
