import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type RegistryProcess, startRegistryProcess } from "../fakes/registry-process.ts";
import { service } from "../fakes/service.ts";
import { type AptRepository, aptRepository } from "../integration/apt-repository.ts";
import { build, buildTimeout, docker } from "./docker.ts";
import { ownCache, writeWorkspace } from "./workspace.ts";

describe("Dockerfile.director with REFRESH", () => {
  let folder: string;
  let packages: AptRepository;
  let registry: RegistryProcess;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "refresh-"));
    await writeWorkspace(folder);
    registry = await startRegistryProcess();
    packages = await aptRepository();
    await packages.offer("made-up", "1.0-1");
    await writeBase();
  }, buildTimeout);
  afterAll(async () => {
    await packages.close();
    await registry.close();
    await rm(folder, { recursive: true });
  });

  /** The stand-in base with one package of a distribution that gets newer ones. */
  async function writeBase(): Promise<void> {
    const file = join(folder, "Base.Dockerfile");
    await writeFile(
      file,
      `FROM ${service("TEST_BASES")}/base:bookworm
RUN rm -rf /etc/apt/sources.list* && echo '${packages.source}' > /etc/apt/sources.list \\
 && apt-get update && apt-get install --yes made-up && rm -rf /var/lib/apt/lists/*
`,
    );
    const output = `type=image,name=${registry.host}/base:1,push=true,oci-mediatypes=true`;
    await docker(
      "buildx",
      "build",
      "--network",
      "host",
      "--file",
      file,
      "--output",
      output,
      folder,
    );
  }

  let count = 0;
  /** Layers of the runtime, its last stage made anew as the pipeline does. */
  async function layers(refresh: string): Promise<readonly string[]> {
    count += 1;
    const layout = join(folder, `layout-${count}`);
    const output = `type=oci,dest=${layout},tar=false,oci-mediatypes=true,rewrite-timestamp=true,source-date-epoch=315532800`;
    await build(
      folder,
      ...["--target", "runtime", "--platform", "linux/amd64", "--provenance", "false"],
      ...["--build-context", `ubuntu:22.04=docker-image://${registry.host}/base:1`],
      ...["--build-arg", "DIRECTOR_SOURCE=.", "--build-context", "vortex-source=vortex"],
      ...["--build-arg", `REFRESH=${refresh}`, "--no-cache-filter", "runtime"],
      ...["--build-arg", "SOURCE_DATE_EPOCH=1700000000", "--network", "host", ...ownCache],
      ...["--output", output],
    );
    const read = async (digest: string) =>
      JSON.parse(await readFile(join(layout, "blobs", digest.replace(":", "/")), "utf8"));
    const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8"));
    const { config } = await read(index.manifests[0].digest);
    return (await read(config.digest)).rootfs.diff_ids;
  }

  it(
    "makes the layers of an ordinary build where there is nothing newer, and the same ones twice where there is",
    async () => {
      const ordinary = await layers("");
      expect(await layers("2026-11")).toEqual(ordinary);
      await packages.offer("made-up", "2.0-1");
      const renewed = await layers("2026-11");
      expect(renewed.filter((layer) => !ordinary.includes(layer))).toHaveLength(1);
      expect(renewed).toHaveLength(ordinary.length);
      expect(await layers("2026-11")).toEqual(renewed);
    },
    4 * buildTimeout,
  );
});
