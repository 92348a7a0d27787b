import { readdir } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { type BuilderRequest, useBuilder } from "../../src/buildx/builder.ts";
import { InterruptedError } from "../../src/errors.ts";
import { clock } from "../../src/host/clock.ts";
import { exec } from "../../src/host/exec.ts";
import { type Desk, openDesk, until } from "../commands/program.ts";
import { fakeDocker } from "./fake-docker.ts";
import { refusal } from "./world.ts";

jest.setTimeout(60_000);

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
  await desk.write("Dockerfile.director", "FROM scratch AS runtime\n");
});
afterEach(() => desk.remove());

const build = [
  "build",
  "--json",
  "--results",
  "results",
  "--image",
  "oci:out",
  "--cache",
  "none",
  "--platforms",
];
const remote = ["--driver", "remote", "--driver-opts", "endpoint=tcp://127.0.0.1:1"];

describe.each([
  ["buildx version", remote],
  ["buildx create", remote],
  ["buildx inspect", remote],
  ["context show", ["--driver", "docker"]],
  ["info", ["--driver", "docker"]],
  ["buildx build", remote],
] as const)("while docker is at `%s`", (slow, driver) => {
  it.each([
    ["Ctrl-C, which docker hears too,", "SIGINT", 130, (pid: number) => -pid],
    ["SIGTERM to this process alone", "SIGTERM", 143, (pid: number) => pid],
  ] as const)("%s ends both at once", async (_, signal, code, whom) => {
    const docker = await fakeDocker(desk, slow);
    const { child, ended } = desk.start(
      [...build, "linux/amd64", ...driver],
      { PATH: docker.path },
      { detached: true },
    );
    await until("the call", async () =>
      (await docker.calls()).some((line) => line.startsWith(`began ${slow}`)),
    );
    const begun = Date.now();
    process.kill(whom(child.pid ?? 0), signal);
    const said = await ended;
    expect({ code: said.code, stderr: refusal(said) }).toEqual({
      code,
      stderr: expect.stringContaining(`Interrupted by ${signal}.`),
    });
    expect(Date.now() - begun).toBeLessThan(5_000);
    expect(await readdir(desk.temporary)).toEqual([]);
  });
});

it.each(["buildx create", "buildx inspect"])(
  "a builder of this run alone is taken away when `%s` is interrupted",
  async (slow) => {
    const docker = await fakeDocker(desk, slow);
    const stop = new AbortController();
    const request: BuilderRequest = {
      builder: undefined,
      driver: "remote",
      driverOpts: ["endpoint=tcp://127.0.0.1:1"],
      buildkitdConfig: undefined,
      registry: undefined,
      keep: false,
    };
    const making = useBuilder(request, {
      docker: { exec, env: { PATH: docker.path } },
      clock,
      signal: stop.signal,
    });
    making.catch(() => undefined);
    await until("the call", async () =>
      (await docker.calls()).some((line) => line.startsWith("began")),
    );
    stop.abort(new InterruptedError("SIGTERM"));
    await expect(making).rejects.toThrow(InterruptedError);
    expect((await docker.calls()).at(-1)).toMatch(/^buildx rm --force director-image-/);
  },
);
