import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type Hub, startHub } from "../../examples/miniature/hub.ts";
import { undocumented } from "../docs/acceptance.ts";
import { output, run } from "../integration/workspace.ts";
import { attempt, build, buildTimeout, docker } from "./docker.ts";

const lock = join("examples", "miniature", "models.lock.json");
const node = join("node_modules", ".bin", "node");
/** What two cores have. */
const small = ["--acceptance-cpus", "2", "--acceptance-memory", "4g", "--acceptance-slots", "2"];

describe("The reference node's image with the miniature's weights", () => {
  let folder = "";
  let hub: Hub | undefined;
  let candidate = "";
  const cli = (...args: readonly string[]) =>
    run(node, ["src/cli.ts", ...args], undefined, { HF_ENDPOINT: hub?.endpoint ?? "" });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "accepted-"));
    await output(node, join("examples", "miniature", "make.ts"), "--out", join(folder, "hub"));
    hub = await startHub({ root: join(folder, "hub") });
    const runtime = join(folder, "runtime");
    await build(
      ...[".", "--target", "runtime", "--platform", "linux/amd64", "--provenance", "false"],
      ...["--output", `type=oci,dest=${runtime},tar=false,oci-mediatypes=true`],
    );
    const index = JSON.parse(await readFile(join(runtime, "index.json"), "utf8"));
    const to = `oci:${join(folder, "image")}`;
    expect(await cli("models", "push", "--lock", lock, "--to", to)).toMatchObject({ code: 0 });
    const assembled = await cli(
      ...["assemble", "--runtime", `oci:${runtime}@${index.manifests[0].digest}`],
      ...["--lock", lock, "--delivery", "bake", "--to", to, "--json"],
    );
    expect(assembled).toMatchObject({ code: 0 });
    candidate = `${to}@${JSON.parse(assembled.stdout).digest}`;
  }, buildTimeout);
  afterAll(async () => {
    await hub?.close();
    const name = `director-image-candidate:${candidate.split("sha256:")[1]?.slice(0, 12)}`;
    await attempt("image", "rm", "--force", name);
    await rm(folder, { recursive: true, force: true });
  });

  it("is accepted, but for the checks that need a GPU", async () => {
    const said = await cli("accept", candidate, "--lock", lock, "--json", ...small);
    expect(said.code === 0 ? "" : said.stdout + said.stderr).toBe("");
    const result = JSON.parse(said.stdout);
    expect(undocumented(result)).toEqual([]);
    const { checks, verdict, platform } = result;
    expect({ verdict, platform }).toEqual({ verdict: "passed", platform: "linux/amd64" });
    const verdicts = checks.map((check: { name: string; verdict: string; reason?: string }) => [
      ...[check.name, check.verdict, check.reason].filter((part) => part !== undefined),
    ]);
    expect(verdicts).toEqual([
      ["config", "passed"],
      ["startup", "passed"],
      ["gpu", "skipped", "no GPU"],
      ["models", "passed"],
      ["vram", "skipped", "after gpu"],
      ["user", "passed"],
      ["health", "passed"],
      ["metrics", "passed"],
      ["grpc", "passed"],
      ["p2p", "passed"],
      ["resources", "passed"],
      ["shutdown", "passed"],
      ["restart", "passed"],
    ]);
  }, 300_000);

  it("leaves no container, network or volume behind", async () => {
    const label = "label=network.nsn.director.acceptance";
    expect(await docker("ps", "--all", "--quiet", "--filter", label)).toBe("");
    expect(await docker("network", "ls", "--quiet", "--filter", label)).toBe("");
    expect(await docker("volume", "ls", "--quiet", "--filter", label)).toBe("");
  });

  it("is refused by a lock of other weights, which names the file", async () => {
    const other = JSON.parse(await readFile(lock, "utf8"));
    other.models[0].files[0].sha256 = "0".repeat(64);
    delete other.layers;
    const path = join(folder, "other.lock.json");
    await writeFile(path, JSON.stringify(other));
    const said = await cli("accept", candidate, "--lock", path, "--json", ...small);
    expect(said.code).toBe(1);
    const { checks, reason } = JSON.parse(said.stdout);
    expect(reason).toMatch(/^failed: models/);
    const models = checks.find((check: { name: string }) => check.name === "models");
    expect(models.reason).toMatch(/has sha256 [0-9a-f]{64}, the lock says 0{64}/);
    const resources = checks.find((check: { name: string }) => check.name === "resources");
    expect(resources).toMatchObject({ verdict: "skipped", reason: "after models" });
  }, 300_000);
});
