import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { fillDockerFolder, withLogin } from "../../src/buildx/docker-folder.ts";
import { findBuildx, type SetUpRequest, setUpDocker } from "../../src/buildx/set-up.ts";
import { CommandError, UsageError } from "../../src/errors.ts";
import { exec } from "../../src/host/exec.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { files } from "../../src/host/files.ts";
import { digestOf } from "../../src/images/digest.ts";
import { folderToolCache } from "../../src/terminal/tool-cache.ts";
import { docker, recorder } from "./services.ts";

const login = { registry: "ghcr.io", username: "me", password: "hunter2" };
const auth = Buffer.from("me:hunter2").toString("base64");

describe("a log-in for one registry", () => {
  it.each([
    [
      "where there was nothing",
      {},
      { auths: { "ghcr.io": { auth } }, credHelpers: { "ghcr.io": "" } },
    ],
    [
      "beside others and a credential store, which would win otherwise",
      {
        credsStore: "desktop",
        auths: { "quay.io": { auth: "x" } },
        credHelpers: { "gcr.io": "gcloud" },
        currentContext: "far",
      },
      {
        credsStore: "desktop",
        currentContext: "far",
        auths: { "quay.io": { auth: "x" }, "ghcr.io": { auth } },
        credHelpers: { "gcr.io": "gcloud", "ghcr.io": "" },
      },
    ],
  ])("%s", (_, config, expected) => expect(withLogin(config, login)).toEqual(expected));

  it("at Docker's own registry has the old address for a key", () => {
    expect(withLogin({}, { ...login, registry: "docker.io" })).toMatchObject({
      auths: { "https://index.docker.io/v1/": { auth } },
    });
  });
});

describe("docker on this machine", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "set-up-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const setUp = (more: Partial<SetUpRequest>) =>
    setUpDocker(
      {
        env: docker().env,
        login: undefined,
        buildxVersion: "0.36.1",
        downloadMirror: undefined,
        machine: { os: "linux", architecture: "x64" },
        scratch: folder,
        ...more,
      },
      {
        exec,
        files,
        fetch: httpFetch(),
        tools: folderToolCache(join(folder, "tools")),
        log: recorder(),
      },
    );

  it("is used as it is where its buildx serves and nobody logs in", async () => {
    const found = await setUp({});
    expect(found.docker.env).toEqual(docker().env);
    expect(found.buildx).toMatch(/^\d+\.\d+\.\d+$/);
    await found.remove();
  });

  it("gets a private folder for a log-in, which loses no builder, plug-in or log-in, and goes again", async () => {
    const { docker: logged, remove } = await setUp({ login });
    const own = logged.env["DOCKER_CONFIG"] ?? "";
    expect(own).not.toBe(docker().env["DOCKER_CONFIG"]);
    expect((await stat(own)).mode & 0o777).toBe(0o700);
    expect((await stat(join(own, "config.json"))).mode & 0o777).toBe(0o600);
    const builders = async (env: Readonly<Record<string, string>>) =>
      (await exec("docker", ["buildx", "ls", "--format", "{{.Name}}"], { env })).stdout
        .split("\n")
        .filter((name) => !name.includes("director-image-"));
    expect(await builders(logged.env)).toEqual(await builders(docker().env));
    await remove();
    await expect(stat(own)).rejects.toThrow("ENOENT");
  });

  it("gets the pinned buildx from the mirror where it has none, checked before it runs", async () => {
    const program = Buffer.from(
      '#!/bin/sh\ncase $1 in docker-cli-plugin-metadata) echo \'{"SchemaVersion":"0.1.0","Vendor":"Test","Version":"9.9.9"}\';; *) echo github.com/docker/buildx v9.9.9 abc;; esac\n',
    );
    const server = createServer((_, response) => response.end(program)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const mirror = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    const bare = join(folder, "bare");
    const bin = join(folder, "bin");
    await mkdir(bin);
    await writeFile(join(bin, "docker"), await dockerWithoutPlugins());
    await chmod(join(bin, "docker"), 0o755);
    const env = { ...docker().env, DOCKER_CONFIG: bare, PATH: `${bin}:${docker().env["PATH"]}` };
    try {
      expect(await findBuildx({ exec, env })).toBeUndefined();
      const found = await setUp({
        env,
        downloadMirror: mirror,
        buildxVersion: `9.9.9@${digestOf(program)}`,
      });
      expect(found.buildx).toBe("9.9.9");
      await found.remove();
    } finally {
      server.close();
    }
  });

  it("that is not there at all is a CommandError that says so", async () => {
    const missing = setUp({ env: { PATH: folder } });
    await expect(missing).rejects.toThrow(CommandError);
    await expect(missing).rejects.toThrow("There is no docker on this machine.");
  });

  it("with a broken config.json is a UsageError that names the file", async () => {
    const original = join(folder, "broken");
    await mkdir(original);
    await writeFile(join(original, "config.json"), "{");
    const filled = fillDockerFolder(
      { original, folder: join(folder, "copy"), login, plugin: undefined },
      files,
    );
    await expect(filled).rejects.toThrow(UsageError);
  });

  it("has everything of the original folder but what is private to the run", async () => {
    const original = join(folder, "original");
    await mkdir(join(original, "contexts"), { recursive: true });
    await mkdir(join(original, "cli-plugins"));
    for (const name of ["docker-buildx", "docker-compose"])
      await writeFile(join(original, "cli-plugins", name), "old");
    await writeFile(join(original, "config.json"), '{"currentContext":"far"}');
    const plugin = join(folder, "new", "docker-buildx");
    await mkdir(join(folder, "new"));
    await writeFile(plugin, "new");
    const copy = join(folder, "filled");
    expect(await fillDockerFolder({ original, folder: copy, login, plugin }, files)).toEqual({
      DOCKER_CONFIG: copy,
      BUILDX_CONFIG: join(original, "buildx"),
    });
    expect((await readdir(copy)).sort()).toEqual(["cli-plugins", "config.json", "contexts"]);
    expect((await readdir(join(copy, "cli-plugins"))).sort()).toEqual([
      "docker-buildx",
      "docker-compose",
    ]);
    expect(await readFile(join(copy, "cli-plugins", "docker-buildx"), "utf8")).toBe("new");
    expect(await readFile(join(original, "cli-plugins", "docker-buildx"), "utf8")).toBe("old");
    expect(JSON.parse(await readFile(join(copy, "config.json"), "utf8"))).toMatchObject({
      currentContext: "far",
      auths: { "ghcr.io": { auth } },
    });
  });
});

/** The real docker on a machine without system-wide plug-ins: only those of DOCKER_CONFIG count. */
async function dockerWithoutPlugins(): Promise<string> {
  const { stdout } = await exec("which", ["docker"]);
  return `#!/bin/sh
if [ "$1" = buildx ] && [ ! -e "$DOCKER_CONFIG/cli-plugins/docker-buildx" ]; then
  echo "docker: unknown command: docker buildx" >&2
  exit 1
fi
exec ${stdout.trim()} "$@"
`;
}
