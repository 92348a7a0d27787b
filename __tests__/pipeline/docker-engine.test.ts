import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { exec } from "../../src/host/exec.ts";
import { dockerEngine } from "../../src/pipeline/docker-engine.ts";

/** What `docker` answers on a machine of each kind, as its versions 27 and 28 print it. */
const usual = {
  version: '{"Os":"linux","Arch":"amd64","Version":"28.5.1"}',
  info: '{"NCPU":2,"DockerRootDir":"/var/lib/docker","SecurityOptions":["name=seccomp"]}',
  context: '"unix:///var/run/docker.sock"',
};

describe("the engine that the docker command talks to", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "docker-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function engineOf(answers: Partial<typeof usual>, otherwise = "exit 1") {
    const cases = Object.entries(answers).map(([name, text]) => `${name}) echo '${text}' ;;`);
    const script = ["#!/bin/sh", 'case "$1" in', ...cases, `*) ${otherwise} ;;`, "esac"];
    await writeFile(join(folder, "docker"), `${script.join("\n")}\n`);
    await chmod(join(folder, "docker"), 0o755);
    return dockerEngine({ exec, env: { PATH: `${folder}:/bin:/usr/bin` } });
  }

  it("is told by what it answers", async () => {
    expect(await engineOf(usual)).toEqual({
      ...{ platform: "linux/amd64", version: "28.5.1", cpus: 2, root: "/var/lib/docker" },
    });
  });

  it.each<[string, Partial<typeof usual>, RegExp]>([
    ["does not run", {}, /^Cannot connect to the Docker daemon$/],
    [
      "is on another machine",
      { ...usual, context: '"tcp://10.0.0.2:2376"' },
      /^it is on another machine \(tcp:/,
    ],
    [
      "is rootless",
      { ...usual, info: usual.info.replace("name=seccomp", "name=rootless") },
      /^its networks cannot be reached/,
    ],
    ["answers something else", { ...usual, info: "hello" }, /no JSON/],
  ])("cannot be used where it %s", async (_, answers, why) => {
    const otherwise = "echo 'Cannot connect to the Docker daemon' >&2; exit 1";
    expect(await engineOf(answers, otherwise)).toMatch(why);
  });

  it("cannot be used where there is no docker command", async () => {
    expect(await dockerEngine({ exec, env: { PATH: folder } })).toMatch(/could not be started/);
  });
});
