import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import type { Results } from "../../src/results/stages.ts";
import { service } from "../fakes/service.ts";
import { piping } from "./piping.ts";
import { output } from "./workspace.ts";

const given = piping();

describe("the pipeline, on a registry", () => {
  let first: Results;
  let second: Results;

  beforeAll(async () => {
    first = await given.pipeline();
    second = await given.pipeline();
  });

  it("uploads the weights once, and nothing at all when nothing changed", () => {
    expect(first.models?.layers.map(({ state }) => state)).toEqual(["uploaded", "uploaded"]);
    expect(second.models).toMatchObject({ bytesUploaded: 0, bytesRead: 0 });
    expect(second.assemble).toMatchObject({ bytesUploaded: 0, digest: first.assemble?.digest });
    expect(second.promote?.tags).toMatchObject([
      { tag: "latest", moved: false, why: "already there" },
    ]);
  });

  it("scans each platform's runtime, and lists what is in the image with its weights", async () => {
    expect(first.scan).toMatchObject({
      verdict: "passed",
      platforms: first.assemble?.platforms.map(({ platform, runtimeDigest }) => ({
        ...{ platform, digest: runtimeDigest },
      })),
    });
    const read = async (name: string) =>
      JSON.parse(await readFile(join(given.made.folder, "results", name), "utf8"));
    for (const architecture of ["amd64", "arm64"]) {
      const text = JSON.stringify(await read(`sbom-linux-${architecture}.cdx.json`));
      const { components, metadata } = JSON.parse(text);
      const names = components.map(({ name }: { name: string }) => name);
      expect(names).toEqual(expect.arrayContaining(["libc6", "one"]));
      expect(names).not.toContain("two");
      expect(metadata.component.name).toMatch(`${given.place}@sha256:`);
      const { packages } = await read(`sbom-linux-${architecture}.spdx.json`);
      expect(packages.map(({ name }: { name: string }) => name)).toEqual(
        expect.arrayContaining(["libc6", "one", "one/a.json"]),
      );
    }
  });

  it("moves only the changed runtime layers when the runtime changes", async () => {
    await given.made.write("version", "2\n");
    const third = await given.pipeline();
    await given.made.write("version", "1\n");
    expect(third.models?.bytesUploaded).toBe(0);
    expect(third.assemble?.digest).not.toBe(first.assemble?.digest);
    expect(third.promote?.tags).toMatchObject([{ moved: true, from: first.assemble?.digest }]);
    await given.pipeline("--force", "true");
  });

  it.each([
    ["containerd", () => service("DOCKER_HOST")],
    ["classic", () => service("TEST_CLASSIC_DOCKER_HOST")],
  ])(
    "makes an image that pulls and runs on Docker's %s store, with the weights in it",
    async (_, host) => {
      const reference = `${given.place}@${first.assemble?.digest}`;
      const docker = (...args: readonly string[]) => output("docker", "--host", host(), ...args);
      await docker("pull", "--quiet", reference);
      expect(
        await docker(
          "run",
          "--rm",
          reference,
          "sh",
          "-c",
          "id -u; cat /models/one/a.json; ls /models; stat -c %u:%a /models",
        ),
      ).toBe(["1000", '{"a":1}', "models.lock.json", "one", "1000:755"].join("\n"));
      await docker("rmi", reference);
    },
  );

  it("makes an image for both platforms whose arm64 half runs under emulation", async () => {
    expect(first.assemble?.platforms.map(({ platform }) => platform)).toEqual([
      "linux/amd64",
      "linux/arm64",
    ]);
    const reference = `${given.place}@${first.assemble?.digest}`;
    expect(
      await output("docker", "run", "--rm", "--platform", "linux/arm64", reference, "uname", "-m"),
    ).toBe("aarch64");
    await output("docker", "rmi", reference);
  });

  it("passes skopeo inspect, and is copied with its digests kept", async () => {
    const inspected = JSON.parse(
      await output("skopeo", "inspect", "--tls-verify=false", `docker://${given.place}:latest`),
    );
    expect(inspected.Labels["network.nsn.director.models"]).toBe(
      `${given.place}@${first.models?.digest}`,
    );
    const copy = `${given.registry.host}/copy:latest`;
    await output(
      "skopeo",
      "copy",
      "--all",
      "--preserve-digests",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      `docker://${given.place}:latest`,
      `docker://${copy}`,
    );
    const raw = async (reference: string) =>
      output("skopeo", "inspect", "--raw", "--tls-verify=false", `docker://${reference}`);
    expect(await raw(copy)).toBe(await raw(`${given.place}:latest`));
  });
});
