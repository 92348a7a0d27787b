import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { service } from "../fakes/service.ts";

const node = join("node_modules", ".bin", "node");
const main = join(process.cwd(), "dist", "main", "index.js");
const post = join(process.cwd(), "dist", "post", "index.js");

describe("the bundle on the runner's Node", () => {
  let folder = "";
  let running: ChildProcess | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "node-"));
    for (const name of ["workspace", "temp", "docker"]) await mkdir(join(folder, name));
    await symlink(
      join(service("DOCKER_CONFIG"), "cli-plugins"),
      join(folder, "docker", "cli-plugins"),
    );
    await writeFile(join(folder, "workspace", "greeting"), "hello\n");
    await dockerfile("COPY greeting /greeting");
    for (const name of ["output", "summary", "state"]) await writeFile(join(folder, name), "");
  });
  afterEach(async () => {
    if (running !== undefined && running.exitCode === null && running.signalCode === null) {
      const exit = once(running, "exit");
      running.kill("SIGKILL");
      await exit;
    }
    await rm(folder, { recursive: true });
  });

  const dockerfile = (line: string, base = "scratch") =>
    writeFile(
      join(folder, "workspace", "Dockerfile.director"),
      `FROM ${base} AS runtime\n${line}\n`,
    );
  const read = (name: string) => readFile(join(folder, name), "utf8");
  const start = (program: string, inputs: Record<string, string>, state = {}): ChildProcess => {
    const given = {
      ...{ models: "", acceptance: "off" },
      ...{ "trivy-db": service("TEST_TRIVY_DB"), "min-packages": "0" },
      push: "false",
      image: "registry.example/operator/director",
      platforms: "linux/amd64",
      driver: "remote",
      "driver-opts": `endpoint=${service("TEST_BUILDKIT_ADDR")}`,
      ...inputs,
    };
    running = spawn(join(process.cwd(), node), [program], {
      cwd: join(folder, "workspace"),
      env: {
        ...{ PATH: process.env["PATH"], HOME: folder, DOCKER_HOST: service("DOCKER_HOST") },
        DOCKER_CONFIG: join(folder, "docker"),
        ...{ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "push", GITHUB_REF: "refs/heads/main" },
        ...{ GITHUB_SHA: "a".repeat(40), GITHUB_REPOSITORY: "operator/node" },
        ...{ GITHUB_WORKSPACE: join(folder, "workspace"), RUNNER_TEMP: join(folder, "temp") },
        ...{ GITHUB_OUTPUT: join(folder, "output"), GITHUB_STATE: join(folder, "state") },
        GITHUB_STEP_SUMMARY: join(folder, "summary"),
        ...Object.fromEntries(
          Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
        ),
        ...state,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    return running;
  };
  const ended = async (child: ChildProcess) => {
    if (child.stdout === null) throw new Error("its output is piped");
    const exit = once(child, "exit");
    const printed = await text(child.stdout);
    const [code] = await exit;
    return { printed, code };
  };
  /** A file of name and value pairs, as @actions/core writes it. */
  const pairs = async (name: string) =>
    Object.fromEntries(
      [...(await read(name)).matchAll(/^(.+)<<(ghadelimiter_\S+)\n([\s\S]*?)\n\2$/gm)].map(
        ([, key, , value]) => [key, value],
      ),
    );

  it("builds a layout, and leaves outputs and a summary", async () => {
    const { printed, code } = await ended(start(main, {}));
    expect(printed).not.toContain("::error");
    expect(code).toBe(0);
    const { digest, version } = await pairs("output");
    expect(version).toBe("main");
    const index = await read(join("workspace", "director-image", "index.json"));
    expect(index).toContain(digest);
    expect(await read("summary")).toContain(`Digest: \`${digest}\``);
  }, 30_000);

  it("fails with one annotation on a wrong input", async () => {
    const { printed, code } = await ended(start(main, { push: "perhaps" }));
    expect(code).toBe(1);
    expect(printed.match(/^::error.*$/gm)).toEqual([
      expect.stringMatching(/^::error::push: "perhaps"/),
    ]);
  });

  it("stops a build when the run is cancelled, and removes its builder itself", async () => {
    await dockerfile('RUN echo "it is" waiting && sleep 50', "base");
    const child = start(main, {
      "build-contexts": `base=docker-image://${service("TEST_BASES")}/base:bookworm`,
      "no-cache": "true",
    });
    const end = ended(child);
    await new Promise<void>((resolve) => {
      child.stdout?.on("data", (piece) => {
        if (String(piece).includes("it is waiting")) resolve();
      });
    });
    expect(await readdir(join(folder, "docker", "buildx", "instances"))).toHaveLength(1);
    child.kill("SIGINT");
    const { printed, code } = await end;
    expect(code).not.toBe(0);
    expect(printed).toMatch(/^::error::.*(SIGINT|interrupted)/im);
    expect(await readdir(join(folder, "docker", "buildx", "instances"))).toEqual([]);
    expect(await readdir(join(folder, "temp"))).toEqual(["director-image"]);
  }, 40_000);

  it("has nothing to clean up where nothing was made", async () => {
    expect(await ended(start(post, {}))).toEqual({ printed: "", code: 0 });
  });
});
