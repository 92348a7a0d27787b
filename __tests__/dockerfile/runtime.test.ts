import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { layerLines } from "../../src/sarif/layer-line.ts";
import { eventually } from "./containers.ts";
import { attempt, build, buildTimeout, docker } from "./docker.ts";

const image = `director-runtime-test:${process.pid}`;

/** A command in the image, as its user, on a root that cannot be written to. */
function inImage(...command: readonly string[]): Promise<string> {
  const [program = "", ...args] = command;
  return docker(
    "run",
    "--rm",
    "--network",
    "none",
    "--read-only",
    "--tmpfs",
    "/tmp",
    "--entrypoint",
    program,
    image,
    ...args,
  );
}

describe("The image without weights, for amd64", () => {
  beforeAll(async () => {
    await build(".", "--target", "runtime", "--platform", "linux/amd64", "--tag", image);
  }, buildTimeout);
  afterAll(async () => {
    await attempt("image", "rm", image);
  });

  it("is configured as promised", async () => {
    const [found] = JSON.parse(await docker("image", "inspect", image));
    expect(found.Architecture).toBe("amd64");
    expect(found.Config).toMatchObject({
      User: "nsn",
      WorkingDir: "/app",
      Entrypoint: ["/app/nsn-director"],
      StopSignal: "SIGTERM",
      Healthcheck: {
        Test: [
          "CMD-SHELL",
          expect.stringMatching(/^curl --fail .*:\$\{METRICS_PORT:-9100\}\/health"$/),
        ],
        Interval: 30e9,
        Timeout: 10e9,
        StartPeriod: 60e9,
        Retries: 3,
      },
      ExposedPorts: { "9000/udp": {}, "9000/tcp": {}, "9100/tcp": {}, "50051/tcp": {} },
    });
    expect(found.Config.Cmd ?? []).toEqual([]);
    expect(found.Config.Volumes ?? {}).toEqual({});
  });

  it("has layers that are told by their lines in Dockerfile.director, but for the base's", async () => {
    const text = await readFile("Dockerfile.director", "utf8");
    const lineOf = layerLines(text, "runtime");
    const history = await docker("history", "--no-trunc", "--format", "{{json .CreatedBy}}", image);
    const made = history
      .split("\n")
      .map((line) => JSON.parse(line) as string)
      .filter((entry) => /^(RUN|COPY|ADD|WORKDIR)/.test(entry));
    const found = made.reverse().map((entry) => text.split("\n")[(lineOf(entry) ?? 0) - 1]);
    expect(found).toEqual([
      undefined,
      expect.stringMatching(/^RUN --mount=type=bind,from=uv/),
      expect.stringMatching(/^RUN --mount=type=tmpfs/),
      "WORKDIR /app",
      "COPY --from=environment /app/vortex/.venv vortex/.venv",
      "COPY --from=vortex /app/vortex vortex",
      "COPY --from=builder /out/nsn-director nsn-director",
    ]);
  });

  it.each([
    ["RUST_LOG", "info"],
    ["SUBSTRATE_WS_URL", "ws://localhost:9944"],
    ["MODELS_PATH", "/models"],
    ["DATA_PATH", "/data"],
    ["P2P_PORT", "9000"],
    ["METRICS_PORT", "9100"],
    ["GRPC_PORT", "50051"],
    ["NVIDIA_DRIVER_CAPABILITIES", "compute,utility"],
    ["NVIDIA_REQUIRE_CUDA", "driver>=535"],
  ])("sets %s to %s", async (name, value) => {
    const [found] = JSON.parse(await docker("image", "inspect", image));
    expect(found.Config.Env).toContain(`${name}=${value}`);
  });

  it("runs the Director on a root that cannot be written to", async () => {
    expect(await inImage("/app/nsn-director", "--help")).toMatch(/--metrics-port/);
    expect(await inImage("/app/nsn-director", "--version")).toMatch(/^nsn-director \d+\.\d+\.\d+/);
  });

  it("has Vortex and its Python 3.11 without torch, from whatever folder it is asked", async () => {
    const program = "import sys, vortex, numpy; print(sys.version_info[:2], vortex.__file__)";
    expect(await inImage("python3", "-c", program)).toBe("(3, 11) /app/vortex/vortex/__init__.py");
    expect(await inImage("python3", "-m", "vortex", "--help")).toMatch(/--models-path/);
    const other = ["run", "--rm", "--workdir", "/", "--entrypoint", "python3", image];
    expect(await docker(...other, "-c", program)).toMatch(/__init__/);
    expect((await attempt(...other, "-c", "import torch")).said).toMatch(/ModuleNotFoundError/);
  });

  it("has the program that fills a volume with weights", async () => {
    const help = await inImage("python3", "/app/vortex/scripts/download_models.py", "--help");
    expect(help).toMatch(/--verify-checksums/);
  });

  it("runs as nsn, who has a home, a shell, and owns the folders for models and data", async () => {
    expect(await inImage("id")).toBe("uid=1000(nsn) gid=1000(nsn) groups=1000(nsn)");
    expect(await inImage("grep", "^nsn:", "/etc/passwd")).toMatch(/:\/home\/nsn:\/bin\/bash$/);
    const owners = await inImage(
      "stat",
      "--format",
      "%U %a %n",
      "/home/nsn",
      "/models",
      "/data",
      "/app",
    );
    expect(owners.split("\n")).toEqual([
      expect.stringMatching(/^nsn 7\d\d \/home\/nsn$/),
      "nsn 755 /models",
      "nsn 755 /data",
      "root 755 /app",
    ]);
  });

  it("fills a fresh named volume at /models as that user", async () => {
    const volume = `director-runtime-test-${process.pid}`;
    try {
      const mount = ["--mount", `type=volume,source=${volume},target=/models`];
      const touch = ["run", "--rm", ...mount, "--entrypoint", "touch", image, "/models/one"];
      await docker(...touch);
    } finally {
      await attempt("volume", "rm", volume);
    }
  });

  it("has curl and certificates, and no compiler, package tool or leftovers of the build", async () => {
    const script = `
      command -v curl && test -s /etc/ssl/certs/ca-certificates.crt && echo certificates
      for tool in cc gcc g++ clang rustc cargo zig make pip pip3 uv; do command -v $tool; done
      python3 -m pip --version 2>/dev/null
      ls -d /root/.cache /home/nsn/.cache /opt/zig /src /run/uv /app/vortex/tests 2>/dev/null
      find / -xdev -name .cargo 2>/dev/null
      find /app ! -user root`;
    expect((await inImage("sh", "-c", script)).split("\n")).toEqual([
      "/usr/bin/curl",
      "certificates",
    ]);
  });

  it("keeps nothing of apt's lists and packages", async () => {
    const folders = ["/var/lib/apt/lists", "/var/cache/apt"];
    const find = ["run", "--rm", "--user", "0", "--entrypoint", "find", image];
    expect(await docker(...find, ...folders, "-maxdepth", "0")).toBe(folders.join("\n"));
    expect(await docker(...find, ...folders, "-type", "f", "-size", "+0")).toBe("");
  });

  it("keeps the size of the small image below 400 MB", async () => {
    const used = await docker(
      "run",
      "--rm",
      "--user",
      "0",
      "--entrypoint",
      "du",
      image,
      "-sxB1",
      "/",
    );
    expect(Number(used.split("\t")[0])).toBeLessThan(400e6);
  });

  /** The health of a Director that has no chain, looked at every second, once `wanted` says that it is enough. */
  async function healthOfLonely(
    args: readonly string[],
    wanted: (health: DockerHealth) => boolean,
  ): Promise<DockerHealth> {
    const often = ["--health-interval", "1s", "--health-retries", "1", ...args];
    const id = await docker("run", "--detach", "--network", "none", ...often, image);
    const look = ["inspect", "--format", "{{json .State.Health}}", id];
    try {
      return await eventually(async () => JSON.parse(await docker(...look)), wanted);
    } finally {
      await attempt("rm", "--force", id);
    }
  }

  it.each([
    ["at its own port", "METRICS_PORT=9100"],
    ["at the port of the variable", "METRICS_PORT=9200"],
    ["at its own port where the variable is empty", "METRICS_PORT="],
  ])(
    "turns unhealthy where the Director answers 503 %s",
    async (_, variable) => {
      const soon = ["--health-start-period", "1s", "--env", variable];
      const health = await healthOfLonely(soon, ({ Status }) => Status === "unhealthy");
      expect(health.Status).toBe("unhealthy");
      expect(health.Log.at(-1)?.Output).toMatch(/error: 503/);
    },
    90_000,
  );

  it("does not turn unhealthy before its start period is over", async () => {
    const answered = ({ Log }: DockerHealth) =>
      Log.filter(({ Output }) => Output.includes("503")).length >= 3;
    const health = await healthOfLonely([], answered);
    expect(answered(health)).toBe(true);
    expect(health.Status).toBe("starting");
  }, 90_000);
});

interface DockerHealth {
  readonly Status: string;
  readonly Log: readonly { readonly ExitCode: number; readonly Output: string }[];
}
