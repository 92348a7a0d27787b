import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { build } from "../../src/buildx/build.ts";
import { type Builder, useBuilder } from "../../src/buildx/builder.ts";
import { CommandError } from "../../src/errors.ts";
import { clock } from "../../src/host/clock.ts";
import { files } from "../../src/host/files.ts";
import type { Digest } from "../../src/images/digest.ts";
import { parseIndex, parseManifest } from "../../src/images/manifest.ts";
import { service } from "../fakes/service.ts";
import { both, builderOf, fromScratch, openYard, run, withRun, type Yard } from "./requests.ts";
import { docker, recorder, storeAt } from "./services.ts";

const minutes = 60_000;
let yard: Yard;
let remote: Builder;
let engine: Builder;

beforeAll(async () => {
  yard = await openYard();
  remote = await builderOf(yard, "remote", [`endpoint=${service("TEST_BUILDKIT_ADDR")}`]);
  engine = await builderOf(yard, "docker");
}, minutes);

afterAll(async () => {
  await remote?.remove();
  await yard?.close();
});

async function configOf(place: string, digest: Digest) {
  const store = storeAt(place);
  const manifest = await store.readManifest(digest);
  if (manifest === undefined) throw new Error(`${digest} is not in ${place}`);
  const parsed = parseManifest(manifest);
  const pieces: Uint8Array[] = [];
  for await (const piece of store.readBlob(parsed.config.digest)) pieces.push(piece);
  return { manifest: parsed, config: JSON.parse(Buffer.concat(pieces).toString("utf8")) };
}

describe("a remote BuildKit", () => {
  it(
    "pushes both platforms by digest, without a tag, and the result is read back from the registry",
    async () => {
      const wanted = await yard.request(
        withRun,
        { labels: { title: "A, b" }, annotations: { "manifest:a": "1", "index:a": "2" } },
        { args: { GREETING: "hi there" }, noCache: true },
      );
      const result = await run(remote, wanted);
      expect(result.repository).toBe(wanted.repository);
      expect(result.platforms.map(({ platform }) => platform)).toEqual(both);
      for (const { platform, digest, size, base } of result.platforms) {
        const name = `${service("TEST_BASES")}/base:bookworm`;
        const store = storeAt(`${service("TEST_BASES")}/base`);
        expect(base).toEqual({ name, digest: await store.manifestDigest("bookworm") });
        const { manifest, config } = await configOf(result.repository, digest);
        expect(`${config.os}/${config.architecture}`).toBe(platform);
        expect(config.config.Labels).toMatchObject({ title: "A, b" });
        expect(manifest.annotations).toMatchObject({ a: "1" });
        expect(manifest.mediaType).toBe("application/vnd.oci.image.manifest.v1+json");
        expect(size).toBe(manifest.layers.reduce((sum, layer) => sum + layer.size, 0));
      }
      expect(await storeAt(result.repository).tags()).toEqual([]);
      expect(result.cached).toBe(false);
      expect(result.seconds).toBeGreaterThan(0);
    },
    3 * minutes,
  );

  it(
    "keeps BuildKit's attestations beside the platforms in its own index, and a build without them has none",
    async () => {
      const attested = await run(remote, await yard.request(fromScratch));
      const index = await storeAt(attested.repository).readManifest(attested.indexes[0] ?? "");
      if (index === undefined) throw new Error("no index");
      expect(parseIndex(index).manifests).toHaveLength(4);
      const plain = await run(
        remote,
        await yard.request(fromScratch, { platforms: ["linux/arm64"] }, { provenance: "false" }),
      );
      expect(plain.indexes).toEqual([]);
      expect(plain.platforms).toEqual(attested.platforms.slice(1));
    },
    minutes,
  );

  it(
    "writes a layout where nothing is pushed",
    async () => {
      const wanted = await yard.request(fromScratch, { repository: undefined, mayPush: false });
      const result = await run(remote, wanted);
      expect(result.repository).toBe(`oci:${wanted.layout}`);
      const pushed = await run(remote, await yard.request(fromScratch));
      expect(result.platforms).toEqual(pushed.platforms);
    },
    minutes,
  );

  it(
    "gives the same platform manifests again when everything is run anew, at another time",
    async () => {
      const wanted = await yard.request(withRun);
      const [first, second] = [
        await run(remote, { ...wanted, options: { ...wanted.options, noCache: true } }),
        await run(remote, { ...wanted, options: { ...wanted.options, noCache: true } }),
      ];
      expect(second.cached).toBe(false);
      expect(second.platforms).toEqual(first.platforms);
    },
    5 * minutes,
  );

  it(
    "gives unchanged layers again for the next commit, so that only what changed travels",
    async () => {
      const wanted = await yard.request(withRun, {
        platforms: ["linux/amd64"],
        labels: { commit: "1" },
      });
      const again = {
        ...wanted,
        epoch: wanted.epoch + 86_400,
        labels: { commit: "2" },
        options: { ...wanted.options, noCache: true },
      };
      const [first, second] = [await run(remote, wanted), await run(remote, again)];
      const layersOf = async ({ repository, platforms }: typeof first) =>
        (await configOf(repository, platforms[0]?.digest ?? "sha256:")).manifest.layers;
      expect(second.platforms[0]?.digest).not.toBe(first.platforms[0]?.digest);
      expect(await layersOf(second)).toEqual(await layersOf(first));
    },
    3 * minutes,
  );

  it(
    "takes a cache from the registry that another builder left there, and says so",
    async () => {
      // Without the stand-in base: an engine that made it itself finds nothing above it in an imported cache.
      const wanted = await yard.request(
        `${fromScratch}WORKDIR /${Date.now()}\n`,
        {},
        { cache: "registry" },
      );
      expect((await run(remote, wanted)).cached).toBe(false);
      expect((await run(engine, wanted)).cached).toBe(true);
    },
    3 * minutes,
  );

  it(
    "hands secrets to RUN steps and to nobody else",
    async () => {
      const log = recorder();
      await writeFile(join(yard.folder, "token"), "hunter3");
      const mounts = ["a", "b", "c"].map((id) => `--mount=type=secret,id=${id}`).join(" ");
      const read = `test "$(cat /run/secrets/a /run/secrets/b /run/secrets/c)" = hunter2hunter3hunter4`;
      const wanted = await yard.request(
        `FROM ubuntu:22.04\nRUN ${mounts} ${read}\n`,
        { platforms: ["linux/amd64"] },
        {
          secrets: ["a=hunter2"],
          secretFiles: [`b=${join(yard.folder, "token")}`],
          secretEnvs: ["c=C_TOKEN"],
          noCache: true,
        },
      );
      await build(remote, wanted, {
        docker: docker({ C_TOKEN: "hunter4" }),
        files,
        clock,
        log,
        storeAt,
      });
      expect(log.masked).toEqual(["hunter2"]);
      expect(log.lines.filter((line) => line.includes("hunter") && !line.includes(read))).toEqual(
        [],
      );
    },
    minutes,
  );
});

describe("the docker driver", () => {
  it(
    "cannot push by digest: it writes a layout with both platforms, which must be transferred",
    async () => {
      const wanted = await yard.request(withRun);
      const result = await run(engine, wanted);
      expect(result.repository).toBe(`oci:${wanted.layout}`);
      expect(result.platforms.map(({ platform }) => platform)).toEqual(both);
      const { config } = await configOf(
        result.repository,
        result.platforms[1]?.digest ?? "sha256:",
      );
      expect(config.architecture).toBe("arm64");
      expect(config.created).toBe("1980-01-01T00:00:00Z");
      expect(result.platforms[1]?.base?.digest).toMatch(/^sha256:/);
    },
    3 * minutes,
  );

  it("on an engine with the classic store is refused before anything is built", async () => {
    const classic = docker({ DOCKER_HOST: service("TEST_CLASSIC_DOCKER_HOST") });
    const wanted = {
      builder: undefined,
      driver: "docker",
      driverOpts: [],
      buildkitdConfig: undefined,
      registry: undefined,
      keep: false,
    } as const;
    const refused = useBuilder(wanted, { docker: classic, clock });
    await expect(refused).rejects.toThrow(CommandError);
    await expect(refused).rejects.toThrow("classic store");
  });
});
