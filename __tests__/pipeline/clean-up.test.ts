import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { files } from "../../src/host/files.ts";
import { rememberBuilder } from "../../src/pipeline/clean-up.ts";
import { until } from "../commands/program.ts";

jest.setTimeout(30_000);

/** What a runner gives a step that builds and logs in, without weights. */
const workflow = (folder: string) => ({
  HOME: folder,
  RUNNER_TEMP: folder,
  GITHUB_ACTIONS: "true",
  GITHUB_EVENT_NAME: "push",
  GITHUB_REF: "refs/heads/main",
  GITHUB_SHA: "a".repeat(40),
  GITHUB_REPOSITORY: "nsn/director",
  GITHUB_WORKSPACE: folder,
  GITHUB_STATE: join(folder, "state"),
  SOURCE_DATE_EPOCH: "1700000000",
  INPUT_IMAGE: "127.0.0.1:1/director",
  INPUT_MODELS: "",
  INPUT_DRIVER: "remote",
  "INPUT_DRIVER-OPTS": "endpoint=tcp://127.0.0.1:1",
  "INPUT_REGISTRY-PASSWORD": "hunter2",
  "INPUT_ALLOW-UNTESTED": "a test",
});

const root = join(import.meta.dirname, "../..");

describe("the post part of a step whose run was killed", () => {
  let folder: string;
  let made: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "post-"));
    made = join(folder, "made");
    await mkdir(join(made, "docker-x", "cli-plugins"), { recursive: true });
    await writeFile(join(made, "docker-x", "config.json"), '{"auths":{}}');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Runs src/post.ts as a runner does, with only the `docker` of `script`. */
  async function post(script?: string) {
    const bin = join(folder, "bin");
    await mkdir(bin);
    if (script !== undefined) {
      await writeFile(join(bin, "docker"), `#!/bin/sh\n${script}\n`);
      await chmod(join(bin, "docker"), 0o755);
    }
    const { status, stdout, stderr } = spawnSync(
      join(root, "node_modules/.bin/node"),
      [join(root, "src/post.ts")],
      {
        encoding: "utf8",
        env: {
          PATH: script === undefined ? bin : `${bin}:${process.env["PATH"]}`,
          STATE_made: made,
          DOCKER_CONFIG: join(folder, "public"),
        },
      },
    );
    return { status, stdout, stderr };
  }
  const remember = (more: Record<string, string> = {}) =>
    rememberBuilder("director-image-1", made, { PATH: "/x", TOKEN: "hunter2", ...more }, files);

  it("removes the builder with the configuration of that run, where the buildx is that made it", async () => {
    const own = { DOCKER_CONFIG: join(made, "docker-x"), BUILDX_CONFIG: join(folder, "buildx") };
    await remember(own);
    expect(await readFile(join(made, "builder.json"), "utf8")).not.toContain("hunter2");
    const said = await post(`
test -d "$DOCKER_CONFIG/cli-plugins" || { echo "docker: unknown command: docker buildx" >&2; exit 1; }
echo "$* $DOCKER_CONFIG $BUILDX_CONFIG" > ${folder}/called`);
    expect(said).toMatchObject({ status: 0, stdout: "Removed the builder director-image-1.\n" });
    expect(await readFile(join(folder, "called"), "utf8")).toBe(
      `buildx rm --force director-image-1 ${own.DOCKER_CONFIG} ${own.BUILDX_CONFIG}\n`,
    );
    expect(existsSync(made)).toBe(false);
  });

  it("knows from the killed run itself what to remove", async () => {
    const bin = join(folder, "bin");
    await mkdir(bin);
    await writeFile(
      join(bin, "docker"),
      `#!/bin/sh
case "$*" in
  "buildx version") echo github.com/docker/buildx v0.36.1 abc;;
  "buildx create"*) echo "$DOCKER_CONFIG" > ${folder}/began; exec sleep 20;;
  *) echo "$* $DOCKER_CONFIG" > ${folder}/called;;
esac\n`,
    );
    await chmod(join(bin, "docker"), 0o755);
    await writeFile(join(folder, "Dockerfile.director"), "FROM scratch AS runtime\n");
    await writeFile(join(folder, "state"), "");
    const child = spawn(join(root, "node_modules/.bin/node"), [join(root, "src/main.ts")], {
      cwd: folder,
      env: { ...workflow(folder), PATH: `${bin}:${process.env["PATH"]}` },
      stdio: "ignore",
    });
    await until("the builder", () => existsSync(join(folder, "began")));
    child.kill("SIGKILL");
    await once(child, "exit");
    made = /<<(ghadelimiter_\S+)\n(.*)\n\1/.exec(
      await readFile(join(folder, "state"), "utf8"),
    )?.[2] as string;
    expect(existsSync(made)).toBe(true);
    await rm(bin, { recursive: true });
    await post(`echo "$* $DOCKER_CONFIG" > ${folder}/called`);
    const own = (await readFile(join(folder, "began"), "utf8")).trim();
    expect(own.startsWith(`${made}/docker-`)).toBe(true);
    expect(await readFile(join(folder, "called"), "utf8")).toMatch(
      new RegExp(`^buildx rm --force director-image-[0-9a-f]{12} ${own}\n$`),
    );
    expect(existsSync(made)).toBe(false);
  });

  it.each([
    ["docker cannot be started", undefined, /::warning::.*docker could not be started/],
    [
      "docker refuses",
      "echo no engine >&2; exit 1",
      /::warning::.*could not be removed: no engine/,
    ],
    ["docker is killed", "kill -9 $$", /::warning::.*docker was ended by SIGKILL/],
  ])("removes the log-in where %s", async (_, script, warning) => {
    await remember();
    const said = await post(script);
    expect(said).toEqual({ status: 0, stdout: expect.stringMatching(warning), stderr: "" });
    expect(existsSync(made)).toBe(false);
  });

  it("removes the log-in where the builder's name was half written", async () => {
    await writeFile(join(made, "builder.json"), '{"na');
    expect(await post("exit 0")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("::warning::"),
      stderr: "",
    });
    expect(existsSync(made)).toBe(false);
  });

  it("says nothing of a builder that is gone already, or was never made", async () => {
    await remember();
    const gone = 'echo "ERROR: no builder \\"director-image-1\\" found" >&2; exit 1';
    expect(await post(gone)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(existsSync(made)).toBe(false);
  });

  it("does nothing where nothing was made", async () => {
    made = "";
    expect(await post()).toEqual({ status: 0, stdout: "", stderr: "" });
  });
});
