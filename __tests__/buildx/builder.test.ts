import { describe, expect, it } from "@jest/globals";
import {
  type BuilderRequest,
  buildkitImage,
  createArguments,
  readInspect,
  useBuilder,
} from "../../src/buildx/builder.ts";
import { checkPlatforms } from "../../src/buildx/emulation.ts";
import { CommandError, UsageError } from "../../src/errors.ts";
import { clock } from "../../src/host/clock.ts";
import { exec } from "../../src/host/exec.ts";
import { service } from "../fakes/service.ts";
import { docker } from "./services.ts";

const minutes = 60_000;
const request: BuilderRequest = {
  builder: undefined,
  driver: "docker-container",
  driverOpts: [],
  buildkitdConfig: undefined,
  registry: "ghcr.io",
  keep: false,
};

describe("the call that makes a builder", () => {
  it.each<[string, Partial<BuilderRequest>, readonly string[]]>([
    [
      "docker-container: a pinned BuildKit",
      {},
      ["--driver", "docker-container", "--driver-opt", `image=${buildkitImage}`],
    ],
    [
      "docker-container beside a registry on loopback: the host's network",
      { registry: "127.0.0.1:5000" },
      [
        "--driver",
        "docker-container",
        "--driver-opt",
        `image=${buildkitImage}`,
        "--driver-opt",
        "network=host",
      ],
    ],
    [
      "docker-container with options of its own",
      {
        registry: "localhost:5000",
        driverOpts: ["image=mine", "network=none", "memory=4g"],
        buildkitdConfig: "/b.toml",
      },
      [
        "--driver",
        "docker-container",
        "--driver-opt",
        "image=mine",
        "--driver-opt",
        "network=none",
        "--driver-opt",
        "memory=4g",
        "--buildkitd-config",
        "/b.toml",
      ],
    ],
    [
      "kubernetes",
      { driver: "kubernetes", driverOpts: ["image=mine", "namespace=ci"] },
      ["--driver", "kubernetes", "--driver-opt", "image=mine", "--driver-opt", "namespace=ci"],
    ],
    [
      "remote",
      { driver: "remote", driverOpts: ["endpoint=tcp://h:1234", "cacert=/c"] },
      ["--driver", "remote", "--driver-opt", "cacert=/c", "tcp://h:1234"],
    ],
  ])("%s", (_, more, expected) => {
    expect(createArguments("n", { ...request, ...more })).toEqual([
      "buildx",
      "create",
      "--name",
      "n",
      ...expected,
    ]);
  });

  it("of a remote without an endpoint is refused with how to give it", () => {
    expect(() => createArguments("n", { ...request, driver: "remote" })).toThrow(UsageError);
  });
});

it("docker buildx inspect is read for the driver and the platforms of all nodes", () => {
  const text = `Name:   b\nDriver: docker-container\n\nNodes:\nName: b0\nPlatforms: linux/amd64*, linux/386\n\nName: b1\nPlatforms:        linux/arm64, linux/amd64\n`;
  expect(readInspect(text)).toEqual({
    driver: "docker-container",
    platforms: ["linux/amd64", "linux/386", "linux/arm64"],
  });
});

describe("a platform", () => {
  const builder = { name: "b", platforms: ["linux/amd64", "linux/amd64/v2", "linux/arm64"] };
  it.each([[["linux/amd64"]], [["linux/amd64", "linux/arm64/v8"]]])(
    "that the builder runs passes: %s",
    (wanted) => {
      expect(() => checkPlatforms(wanted, builder)).not.toThrow();
    },
  );

  it("that it does not run is named, with those it has and the way out", () => {
    expect(() => checkPlatforms(["linux/amd64", "linux/riscv64"], builder)).toThrow(
      "the builder b cannot run linux/riscv64; it has linux/amd64, linux/amd64/v2, linux/arm64",
    );
  });
});

describe("builders on a real engine", () => {
  const remoteOpts = () => [`endpoint=${service("TEST_BUILDKIT_ADDR")}`];
  const inspect = async (name: string) =>
    (await exec("docker", ["buildx", "inspect", name], { env: docker().env })).code;

  it(
    "one that is made for the run has a name of its own and is taken away",
    async () => {
      const ports = { docker: docker(), clock };
      const wanted = { ...request, driver: "remote", driverOpts: remoteOpts() } as const;
      const [one, other] = [await useBuilder(wanted, ports), await useBuilder(wanted, ports)];
      expect(one.name).not.toBe(other.name);
      await Promise.all([one.remove(), other.remove(), one.remove()]);
      expect(await inspect(one.name)).not.toBe(0);
      expect(await inspect(other.name)).not.toBe(0);
    },
    minutes,
  );

  it(
    "one that is kept is found again by what it was asked for, and one that was given is left alone",
    async () => {
      const ports = { docker: docker(), clock };
      const wanted = {
        ...request,
        driver: "remote",
        driverOpts: [...remoteOpts(), "default-load=false"],
        keep: true,
      } as const;
      const kept = await useBuilder(wanted, ports);
      try {
        await kept.remove();
        expect((await useBuilder(wanted, ports)).name).toBe(kept.name);
        const given = await useBuilder({ ...request, builder: kept.name }, ports);
        expect(given).toMatchObject({ name: kept.name, driver: "remote" });
        await given.remove();
        expect(await inspect(kept.name)).toBe(0);
      } finally {
        await exec("docker", ["buildx", "rm", "--force", kept.name], { env: docker().env });
      }
    },
    minutes,
  );

  it("one that is not there is a UsageError that names the input", async () => {
    const missing = useBuilder({ ...request, builder: "not-there" }, { docker: docker(), clock });
    await expect(missing).rejects.toThrow(UsageError);
    await expect(missing).rejects.toThrow('builder: there is no builder "not-there"');
  });

  it.each(["docker", "docker-container"] as const)(
    "without an engine, %s says what to do",
    async (driver) => {
      const nobody = docker({ DOCKER_HOST: "unix:///nonexistent/docker.sock" });
      const failed = await useBuilder({ ...request, driver }, { docker: nobody, clock }).catch(
        (error: unknown) => error,
      );
      expect(failed).toBeInstanceOf(CommandError);
      expect(failed).toMatchObject({
        message: expect.stringContaining("Docker does not answer"),
        todo: expect.stringContaining("DOCKER_HOST"),
      });
    },
  );

  it(
    "a remote BuildKit that is not there does not answer",
    async () => {
      const wanted = {
        ...request,
        driver: "remote",
        driverOpts: ["endpoint=unix:///nonexistent/buildkit.sock"],
      } as const;
      await expect(useBuilder(wanted, { docker: docker(), clock })).rejects.toThrow(
        "does not answer",
      );
    },
    minutes,
  );
});
