import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BuildOptions } from "../../src/buildx/arguments.ts";
import { type BuildRequest, build } from "../../src/buildx/build.ts";
import { type Builder, type Driver, useBuilder } from "../../src/buildx/builder.ts";
import { clock } from "../../src/host/clock.ts";
import { files } from "../../src/host/files.ts";
import type { BuildResult } from "../../src/results/stages.ts";
import { type RegistryProcess, startRegistryProcess } from "../fakes/registry-process.ts";
import { service } from "../fakes/service.ts";
import { docker, recorder, storeAt } from "./services.ts";

/** No input set. */
export const options: BuildOptions = {
  args: {},
  secrets: [],
  secretFiles: [],
  secretEnvs: [],
  ssh: [],
  noCache: false,
  noCacheFilters: [],
  pull: false,
  network: undefined,
  addHosts: [],
  allow: [],
  shmSize: undefined,
  cacheFrom: [],
  cacheTo: [],
  cache: "none",
  provenance: "auto",
};

export const both = ["linux/amd64", "linux/arm64"];
export const fromScratch = "FROM scratch\nCOPY hello /hello\n";
/** A file and a folder made by a RUN step, on a base that a named context replaces. */
export const withRun = `FROM ubuntu:22.04 AS runtime
ARG GREETING=hello
RUN mkdir /made && echo "$GREETING" > /made/file && uname -m > /made/machine
COPY hello /hello
`;

/** A folder with a context, and a registry, for builds that are made in it. */
export interface Yard {
  readonly folder: string;
  readonly registry: RegistryProcess;
  request(
    dockerfile: string,
    more?: Partial<BuildRequest>,
    moreOptions?: Partial<BuildOptions>,
  ): Promise<BuildRequest>;
  close(): Promise<void>;
}

export async function openYard(): Promise<Yard> {
  const folder = await mkdtemp(join(tmpdir(), "build-"));
  const context = join(folder, "context");
  await mkdir(context);
  await writeFile(join(context, "hello"), "hello\n");
  const registry = await startRegistryProcess();
  const contexts = { "ubuntu:22.04": `docker-image://${service("TEST_BASES")}/base:bookworm` };
  let count = 0;
  return {
    folder,
    registry,
    request: async (dockerfile, more = {}, moreOptions = {}) => {
      const file = join(folder, `${count}.Dockerfile`);
      const layout = join(folder, `layout-${count++}`);
      await writeFile(file, dockerfile);
      return {
        source: { file, context, contexts, target: undefined },
        platforms: both,
        options: { ...options, ...moreOptions },
        labels: {},
        annotations: {},
        epoch: 1_700_000_000,
        repository: `${registry.host}/nsn/director`,
        layout,
        cacheRepository: `${registry.host}/nsn/director`,
        mayPush: true,
        scratch: folder,
        ...more,
      };
    },
    close: async () => {
      await registry.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A builder for this test alone; the caller removes it. */
export function builderOf(
  { registry }: Pick<Yard, "registry">,
  driver: Driver,
  driverOpts: readonly string[] = [],
): Promise<Builder> {
  const request = { builder: undefined, driver, driverOpts, buildkitdConfig: undefined };
  return useBuilder(
    { ...request, registry: registry.host, keep: false },
    { docker: docker(), clock },
  );
}

export function run(
  builder: Builder,
  wanted: BuildRequest,
  log = recorder(),
): Promise<BuildResult> {
  return build(builder, wanted, { docker: docker(), files, clock, log, storeAt });
}
