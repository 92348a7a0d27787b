import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { build } from "../../src/buildx/build.ts";
import { type BuilderRequest, useBuilder } from "../../src/buildx/builder.ts";
import { clock } from "../../src/host/clock.ts";
import { exec } from "../../src/host/exec.ts";
import { files } from "../../src/host/files.ts";
import { service } from "../fakes/service.ts";
import { openYard, withRun } from "./requests.ts";
import { docker, recorder, storeAt } from "./services.ts";

const minutes = 60_000;
const request: BuilderRequest = {
  builder: undefined,
  driver: "docker-container",
  driverOpts: [],
  buildkitdConfig: undefined,
  registry: "ghcr.io",
  keep: false,
};

describe("BuildKit in a container", () => {
  const image = "director-image-test/buildkit:v0.32.2";
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "buildkit-"));
    for (const [name, find] of [
      ["buildkitd", ["scripts/setup/go-tool.sh", "buildkitd"]],
      ["buildctl", ["scripts/setup/go-tool.sh", "buildctl"]],
      ["runc", ["which", "runc"]],
    ] as const) {
      const { stdout } = await exec(find[0], find.slice(1));
      await copyFile(stdout.trim(), join(folder, name));
    }
    await writeFile(
      join(folder, "Dockerfile"),
      `FROM ${service("TEST_BASES")}/base:bookworm\nCOPY buildkitd buildctl runc /usr/bin/\nENTRYPOINT ["buildkitd"]\n`,
    );
    const { code, stderr } = await exec(
      "docker",
      ["buildx", "build", "--builder", "default", "--load", "--tag", image, folder],
      { env: docker().env },
    );
    if (code !== 0) throw new Error(stderr);
  }, 5 * minutes);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it(
    "two clean builders give the same platform manifests for one commit, and are taken away",
    async () => {
      const yard = await openYard();
      try {
        const wanted = await yard.request(withRun);
        const results = [];
        for (const _ of ["first", "second"]) {
          const builder = await useBuilder(
            { ...request, driverOpts: [`image=${image}`], registry: yard.registry.host },
            { docker: docker(), clock },
          );
          try {
            const result = await build(builder, wanted, {
              docker: docker(),
              files,
              clock,
              log: recorder(),
              storeAt,
            });
            expect(result).toMatchObject({ cached: false, repository: wanted.repository });
            results.push(result);
          } finally {
            await builder.remove();
          }
          const { stdout } = await exec(
            "docker",
            ["ps", "--all", "--quiet", "--filter", `name=${builder.name}`],
            { env: docker().env },
          );
          expect(stdout).toBe("");
        }
        expect(results[1]?.platforms).toEqual(results[0]?.platforms);
        expect(results[1]?.indexes).not.toEqual(results[0]?.indexes);
      } finally {
        await yard.close();
      }
    },
    5 * minutes,
  );
});
