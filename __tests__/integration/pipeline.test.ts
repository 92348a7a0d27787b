import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Results } from "../../src/results/stages.ts";
import { type RegistryProcess, startRegistryProcess } from "../fakes/registry-process.ts";
import { service } from "../fakes/service.ts";
import { dockerfile, output, run, type Workspace, workspace } from "./workspace.ts";

jest.setTimeout(300_000);

let registry: RegistryProcess;
let place: string;
let made: Workspace;

beforeAll(async () => {
  registry = await startRegistryProcess();
  place = `${registry.host}/nsn/director`;
  made = await workspace();
  const locked = await made.cli("models", "lock");
  if (locked.code !== 0) throw new Error(locked.stderr);
});
afterAll(async () => {
  await made.remove();
  await registry.close();
});

/** The whole pipeline by the remote driver; every stage's result. */
async function pipeline(...more: readonly string[]): Promise<Results> {
  const said = await made.cli(
    "run",
    "--json",
    "--image",
    place,
    "--driver",
    "remote",
    "--driver-opts",
    `endpoint=${service("TEST_BUILDKIT_ADDR")}`,
    "--tags",
    "type=raw,value=latest",
    "--results",
    `${made.folder}/results`,
    "--allow-untested",
    "a test",
    ...more,
  );
  if (said.code !== 0) throw new Error(said.stderr);
  return JSON.parse(said.stdout) as Results;
}

describe("the pipeline, on a registry", () => {
  let first: Results;
  let second: Results;

  beforeAll(async () => {
    first = await pipeline();
    second = await pipeline();
  });

  it("uploads the weights once, and nothing at all when nothing changed", () => {
    expect(first.models?.layers.map(({ state }) => state)).toEqual(["uploaded", "uploaded"]);
    expect(second.models).toMatchObject({ bytesUploaded: 0, bytesRead: 0 });
    expect(second.assemble).toMatchObject({ bytesUploaded: 0, digest: first.assemble?.digest });
    expect(second.promote?.tags).toMatchObject([
      { tag: "latest", moved: false, why: "already there" },
    ]);
  });

  it("moves only the changed runtime layers when the runtime changes", async () => {
    await made.write("version", "2\n");
    const third = await pipeline();
    await made.write("version", "1\n");
    expect(third.models?.bytesUploaded).toBe(0);
    expect(third.assemble?.digest).not.toBe(first.assemble?.digest);
    expect(third.promote?.tags).toMatchObject([{ moved: true, from: first.assemble?.digest }]);
    await pipeline("--force", "true");
  });

  it.each([
    ["containerd", () => service("DOCKER_HOST")],
    ["classic", () => service("TEST_CLASSIC_DOCKER_HOST")],
  ])(
    "makes an image that pulls and runs on Docker's %s store, with the weights in it",
    async (_, host) => {
      const reference = `${place}@${first.assemble?.digest}`;
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
    const reference = `${place}@${first.assemble?.digest}`;
    expect(
      await output("docker", "run", "--rm", "--platform", "linux/arm64", reference, "uname", "-m"),
    ).toBe("aarch64");
    await output("docker", "rmi", reference);
  });

  it("passes skopeo inspect, and is copied with its digests kept", async () => {
    const inspected = JSON.parse(
      await output("skopeo", "inspect", "--tls-verify=false", `docker://${place}:latest`),
    );
    expect(inspected.Labels["network.nsn.director.models"]).toBe(
      `${place}@${first.models?.digest}`,
    );
    const copy = `${registry.host}/copy:latest`;
    await output(
      "skopeo",
      "copy",
      "--all",
      "--preserve-digests",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      `docker://${place}:latest`,
      `docker://${copy}`,
    );
    const raw = async (reference: string) =>
      output("skopeo", "inspect", "--raw", "--tls-verify=false", `docker://${reference}`);
    expect(await raw(copy)).toBe(await raw(`${place}:latest`));
  });
});

describe("mounted models", () => {
  let mount: Results;
  let image: string;

  beforeAll(async () => {
    mount = await pipeline("--delivery", "mount", "--tags", "type=raw,value=mounted");
    image = `${place}@${mount.assemble?.digest}`;
    await output("docker", "pull", "--quiet", image);
    await output("docker", "pull", "--quiet", `${place}@${mount.models?.digest}`);
  });

  const mounted = (...mounts: readonly string[]) =>
    output(
      "docker",
      "run",
      "--rm",
      ...mounts.flatMap((entry) => ["--mount", entry]),
      image,
      "sh",
      "-c",
      "find /models -type f | sort; id -u",
    );

  it("are not in an image made with --delivery mount, but its lock is", async () => {
    expect(await mounted()).toBe("/models/models.lock.json\n1000");
  });

  it("appear one by one", async () => {
    const models = `${place}@${mount.models?.digest}`;
    expect(
      await mounted(`type=image,source=${models},target=/models/two,image-subpath=models/two`),
    ).toBe("/models/models.lock.json\n/models/two/c.txt\n1000");
  });

  it("appear all together at the root", async () => {
    const models = `${place}@${mount.models?.digest}`;
    expect(await mounted(`type=image,source=${models},target=/models,image-subpath=models`)).toBe(
      "/models/models.lock.json\n/models/one/a.json\n/models/one/b.txt\n/models/two/c.txt\n1000",
    );
  });

  it("can be filled into a fresh named volume by UID 1000", async () => {
    const volume = `director-test-${process.pid}`;
    try {
      await output(
        "docker",
        "run",
        "--rm",
        "-v",
        `${volume}:/models`,
        image,
        "sh",
        "-c",
        "mkdir /models/two && echo x > /models/two/c.txt",
      );
      expect(
        await output(
          "docker",
          "run",
          "--rm",
          "-v",
          `${volume}:/models`,
          image,
          "cat",
          "/models/two/c.txt",
        ),
      ).toBe("x");
    } finally {
      await run("docker", ["volume", "rm", "--force", volume]);
    }
  });
});

describe("a runtime image that BuildKit made is refused", () => {
  it.each([
    ["with a file below the models' root", "RUN echo x > /models/x", "below the models' root"],
    [
      "with the models' root made anew",
      "RUN rm -rf /models && mkdir /models && chown 1000 /models",
      "",
    ],
    ["with the models' root taken away", "RUN rm -rf /models", "hides every weight"],
    [
      "with a symlink in the root's place",
      "RUN rm -rf /models && ln -s /mnt /models",
      "is no folder",
    ],
    ["with a root that others cannot traverse", "RUN chmod 700 /models", "others cannot reach"],
    ["with a VOLUME at the root", "VOLUME /models", "has VOLUME /models"],
    [
      "that says it carries weights",
      "LABEL network.nsn.director.models=x",
      "already carries the models image x",
    ],
  ])("%s", async (_, line, message) => {
    const tag = "type=raw,value=refused";
    await made.write("Dockerfile.director", dockerfile(line));
    const said = await made.cli(
      "run",
      "--image",
      place,
      "--platforms",
      "linux/amd64",
      "--driver",
      "remote",
      "--driver-opts",
      `endpoint=${service("TEST_BUILDKIT_ADDR")}`,
      "--tags",
      tag,
      "--allow-untested",
      "a test",
      "--results",
      `${made.folder}/refused`,
    );
    await made.write("Dockerfile.director", dockerfile());
    if (message === "") return expect(said.code).toBe(0);
    expect(said).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
    expect(said.stderr).toContain("Dockerfile");
  });
});
