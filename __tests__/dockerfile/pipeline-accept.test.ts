import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type Hub, startHub } from "../../examples/miniature/hub.ts";
import type { Results } from "../../src/results/stages.ts";
import { type RegistryProcess, startRegistryProcess } from "../fakes/registry-process.ts";
import { service } from "../fakes/service.ts";
import { output, run as start } from "../integration/workspace.ts";
import { attempt, buildTimeout, docker, quick } from "./docker.ts";

const node = join("node_modules", ".bin", "node");

describe("the pipeline with the reference node and the miniature's weights", () => {
  let folder = "";
  let hub: Hub | undefined;
  let registry: RegistryProcess | undefined;
  let inputs: readonly string[] = [];
  const place = () => `${registry?.host}/nsn/director`;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pipeline-accept-"));
    await output(node, join("examples", "miniature", "make.ts"), "--out", join(folder, "hub"));
    hub = await startHub({ root: join(folder, "hub") });
    registry = await startRegistryProcess();
    const local = await output(
      join("scripts", "setup", "local-build-inputs.sh"),
      "--director-image",
    );
    inputs = local.split("\n").filter((line) => line !== "");
  });
  afterAll(async () => {
    const loaded = ["director-image-candidate", "director-image-models"];
    for (const name of loaded) {
      const images = await docker("image", "ls", "--quiet", "--filter", `reference=${name}`);
      await attempt("image", "rm", "--force", ...images.split("\n"));
    }
    await registry?.close();
    await hub?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** `run` with everything that this machine needs; what a test says comes last and wins. */
  const run = (...more: readonly string[]) =>
    start(
      node,
      [
        ...["src/cli.ts", "run", "--json", "--image", place(), "--push", "true", ...inputs],
        ...["--models", "examples/miniature/models.lock.json", "--platforms", "linux/amd64"],
        ...quick.flatMap((arg) => (arg === "--build-arg" ? ["--build-args"] : [arg])),
        ...["--driver", "docker", "--cache", "none", "--results", join(folder, "results")],
        ...["--acceptance-memory", "4g", "--acceptance-slots", "1"],
        ...["--trivy-db", service("TEST_TRIVY_DB"), ...more],
      ],
      undefined,
      { HF_ENDPOINT: hub?.endpoint ?? "" },
    );
  const results = (said: { code: number; stdout: string; stderr: string }): Results => {
    if (said.code !== 0) throw new Error(said.stderr);
    return JSON.parse(said.stdout) as Results;
  };
  const acceptance = async () =>
    JSON.parse(await readFile(join(folder, "results", "accept.json"), "utf8"));
  const tag = async (name: string) => {
    const response = await fetch(`http://${registry?.host}/v2/nsn/director/manifests/${name}`, {
      headers: { accept: "application/vnd.oci.image.index.v1+json" },
    });
    return response.headers.get("docker-content-digest");
  };
  let accepted: string | undefined;

  it(
    "publishes what was accepted, and says what was not run",
    async () => {
      const { assemble, promote } = results(await run("--tags", "type=raw,value=good"));
      accepted = assemble?.digest;
      const accept = await acceptance();
      expect({ verdict: accept.verdict, digest: accept.digest }).toEqual({
        ...{ verdict: "passed", digest: accepted },
      });
      expect(promote?.notRun?.map(({ check }) => check)).toEqual(["gpu", "vram"]);
      expect(promote?.untested).toBeUndefined();
      expect(await tag("good")).toBe(accepted);
      const xml = await readFile(join(folder, "results", "accept.xml"), "utf8");
      expect(xml).toMatch(/<testsuites .*tests="13" failures="0"/);
    },
    buildTimeout,
  );

  it("does not start again what it accepted before with the same inputs", async () => {
    const said = await run("--tags", "type=raw,value=good");
    expect(said.stderr).toContain(`${accepted} passed before on this machine`);
    expect(results(said).assemble?.digest).toBe(accepted);
  }, 300_000);

  it("mounts the models that are not baked", async () => {
    const more = ["--models-delivery", "mount", "--tags", "type=raw,value=mounted"];
    const { assemble } = results(await run(...more));
    expect(assemble?.digest).not.toBe(accepted);
    const { verdict, checks } = await acceptance();
    expect({ verdict, models: checks[3] }).toMatchObject({
      ...{ verdict: "passed", models: { name: "models", verdict: "passed" } },
    });
    expect(await tag("mounted")).toBe(assemble?.digest);
  }, 300_000);

  it("publishes nothing that was refused, whatever is allowed to be untested", async () => {
    const said = await run("--startup-timeout", "1s", "--tags", "type=raw,value=bad");
    expect(said).toMatchObject({ code: 1, stderr: expect.stringMatching(/failed\. startup: /) });
    const { verdict, digest } = await acceptance();
    expect(verdict).toBe("failed");
    expect(await tag("bad")).toBeNull();
    const promoting = await start(node, [
      ...["src/cli.ts", "promote", `${place()}@${digest}`, "--tag", "bad"],
      ...["--results", join(folder, "results"), "--allow-untested", "all the same"],
    ]);
    expect(promoting.stderr).toContain("the acceptance failed (failed: startup)");
    expect({ code: promoting.code, tag: await tag("bad") }).toEqual({ code: 1, tag: null });
  }, 300_000);
});
