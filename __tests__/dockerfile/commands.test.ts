import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type Hub, startHub } from "../../examples/miniature/hub.ts";
import { eventually, failedChecks, healthOf, loadingLines, loadingOf, stop } from "./containers.ts";
import { attempt, buildTimeout, docker, localInputs, localSecrets, quick } from "./docker.ts";
import { startTlsFront } from "./tls-front.ts";

const images = ["nsn-director:latest", "nsn-director:test"] as const;
const lock = "examples/miniature/models.lock.json";

/** Gives the stand-ins the names of the bases that this machine does not have; returns how to take them away. */
async function nameBases(): Promise<readonly string[]> {
  const named: string[] = [];
  for (const input of await localInputs()) {
    const [, name, standIn] = /^([^=]+)=docker-image:\/\/(.*)$/.exec(input) ?? [];
    if (name === undefined || standIn === undefined) continue;
    if ((await attempt("image", "inspect", name)).code === 0) continue;
    await docker("tag", standIn, name);
    named.push(name);
  }
  return named;
}

describe("The commands that people have in their notes", () => {
  let folder = "";
  let hub: Hub | undefined;
  let bases: readonly string[] = [];
  let weights: readonly string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "dockerfile-hub-"));
    const make = [join("examples", "miniature", "make.ts"), "--out", folder];
    await promisify(execFile)(join("node_modules", ".bin", "node"), make);
    hub = await startHub({ root: folder });
    bases = await nameBases();
    weights = [
      ...["--network", "host", "--build-arg", `HF_ENDPOINT=${hub.endpoint}`],
      ...["--build-arg", `MODELS_LOCK=${lock}`, ...quick, ...(await localSecrets())],
    ];
  }, 300_000);

  afterAll(async () => {
    await hub?.close();
    await rm(folder, { recursive: true, force: true });
    await attempt("image", "rm", ...bases, ...images);
  });

  it(
    "docker build -t nsn-director:latest .",
    async () => {
      await docker("build", "-t", "nsn-director:latest", ...weights, ".");
      const run = ["run", "--rm", "--entrypoint", "python3", "nsn-director:latest"];
      const check = "/app/vortex/scripts/download_models.py";
      const said = await docker(...run, check, "--output", "/models", "--verify-checksums");
      expect(said).toMatch(/\(cached, checksum valid\)/);
      const owner = await docker(
        ...["run", "--rm", "--entrypoint", "stat", "nsn-director:latest", "--format", "%U"],
        "/models/models.lock.json",
      );
      expect(owner).toBe("nsn");
    },
    buildTimeout,
  );

  it("curl http://localhost:9100/health | jq . and docker exec, on what it made", async () => {
    const published = ["--publish", "127.0.0.1::9100"];
    const id = await docker("run", "--detach", "--rm", ...published, "nsn-director:latest");
    try {
      await healthOf(id); // it listens
      const port = (await docker("port", id, "9100/tcp")).split(":").at(-1);
      const typed = `curl http://localhost:${port}/health | jq .`;
      const { stdout } = await promisify(execFile)("bash", ["-o", "pipefail", "-c", typed]);
      expect(stdout).toMatch(/^\{\n {2}"/); // as jq sets it out
      expect(JSON.parse(stdout)).toMatchObject({
        status: "unhealthy",
        checks: { chain_synced: { ok: false } },
      });
      expect(await docker("exec", id, "python3", "-c", "import vortex; print('here')")).toBe(
        "here",
      );
    } finally {
      await attempt("stop", id);
    }
  }, 120_000);

  it("docker run --read-only --tmpfs /tmp, on what it made", async () => {
    const only = ["--read-only", "--tmpfs", "/tmp", "--network", "none"];
    const id = await docker("run", "--detach", ...only, "nsn-director:latest");
    try {
      expect(await loadingOf(id)).toEqual(loadingLines);
      expect((await stop(id)).code).toBe(0);
    } finally {
      await attempt("rm", "--force", id);
    }
  }, 120_000);

  it("two of them, which find each other, load their models and stop in time", async () => {
    const network = await docker("network", "create", "--internal", `two-nodes-${process.pid}`);
    const ids: string[] = [];
    const start = async (alias: string, ...args: readonly string[]) => {
      const at = ["--network", network, "--network-alias", alias, ...args];
      ids.push(await docker("run", "--detach", ...at, "nsn-director:latest"));
    };
    try {
      await start("first");
      await start("second", "--env", "P2P_BOOTSTRAP_PEERS=/dns4/first/udp/9000/quic-v1");
      for (const id of ids) expect(await loadingOf(id)).toEqual(loadingLines);
      for (const id of ids) {
        const look = () => docker("exec", id, "curl", "--silent", "http://localhost:9100/metrics");
        const peers = /^nsn_p2p_connected_peers(\{.*\})? 1$/m;
        expect(await eventually(look, (metrics) => peers.test(metrics))).toMatch(peers);
        const { code, body } = await healthOf(id);
        expect(code).toBe(503);
        expect(failedChecks(body)).toEqual(["chain_synced"]);
        expect(body.checks["models_loaded"]?.detail).toBe("5 models on cpu");
      }
      for (const { code, seconds } of await Promise.all(ids.map(stop))) {
        expect(code).toBe(0);
        expect(seconds).toBeLessThan(10);
      }
    } finally {
      await attempt("rm", "--force", ...ids);
      await attempt("network", "rm", network);
    }
  }, 240_000);

  it(
    "docker build --secret id=ca, for a hub whose certificate nobody else knows",
    async () => {
      const front = await startTlsFront(folder, hub?.endpoint ?? "");
      const image = `director-ca-test:${process.pid}`;
      try {
        const secret = ["--secret", `id=ca,src=${front.authorities}`];
        const from = ["--build-arg", `HF_ENDPOINT=${front.endpoint}`];
        await docker("build", "-t", image, ...weights, ...secret, ...from, ".");
        expect(front.requests()).toBeGreaterThan(0);
      } finally {
        await front.close();
        await attempt("image", "rm", image);
      }
    },
    buildTimeout,
  );

  it(
    "docker build -t nsn-director:test -f Dockerfile.director .",
    async () => {
      await docker(
        "build",
        "-t",
        "nsn-director:test",
        "-f",
        "Dockerfile.director",
        ...weights,
        ".",
      );
      const cat = ["run", "--rm", "--entrypoint", "cat", "nsn-director:test"];
      const carried = JSON.parse(await docker(...cat, "/models/models.lock.json"));
      expect(carried).toEqual(JSON.parse(await readFile(lock, "utf8")));
    },
    buildTimeout,
  );

  it(
    "docker buildx build --platform linux/amd64,linux/arm64 -t nsn-director:test -f Dockerfile.director .",
    async () => {
      const both = ["--platform", "linux/amd64,linux/arm64"];
      const file = ["-f", "Dockerfile.director"];
      await docker("buildx", "build", ...both, "-t", "nsn-director:test", ...file, ...weights, ".");
      for (const [platform, machine] of [
        ["linux/amd64", "x86_64"],
        ["linux/arm64", "aarch64"],
      ] as const) {
        const run = ["run", "--rm", "--platform", platform, "--entrypoint"];
        expect(await docker(...run, "uname", "nsn-director:test", "-m")).toBe(machine);
        const list = await docker(...run, "ls", "nsn-director:test", "/models");
        expect(list.split("\n")).toContain("clip-vit-l-14");
      }
    },
    buildTimeout,
  );
});
