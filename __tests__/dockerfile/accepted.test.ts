import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type Hub, startHub } from "../../examples/miniature/hub.ts";
import { type BrokenImage, imageChecks, images } from "../acceptance/broken/images.ts";
import { leftOf } from "../acceptance/labelled.ts";
import { undocumented } from "../docs/acceptance.ts";
import { matching, passing, sideBySide, views } from "../integration/accepted.ts";
import { output, run, type Said } from "../integration/workspace.ts";
import { derive, type Image, manifestOf } from "./derived.ts";
import { attempt, build, buildTimeout } from "./docker.ts";

const lock = join("examples", "miniature", "models.lock.json");
const node = join("node_modules", ".bin", "node");
/** What two cores have. */
const small = ["--acceptance-cpus", "2", "--acceptance-memory", "4g", "--acceptance-slots", "2"];

describe("The reference node's image with the miniature's weights", () => {
  let folder = "";
  let hub: Hub | undefined;
  let [layout, candidate] = ["", ""];
  let before: readonly string[] = [];
  const cli = (...args: readonly string[]) =>
    run(node, ["src/cli.ts", ...args], undefined, { HF_ENDPOINT: hub?.endpoint ?? "" });

  beforeAll(async () => {
    before = await leftOf();
    folder = await mkdtemp(join(tmpdir(), "accepted-"));
    await output(node, join("examples", "miniature", "make.ts"), "--out", join(folder, "hub"));
    hub = await startHub({ root: join(folder, "hub") });
    const runtime = join(folder, "runtime");
    await build(
      ...[".", "--target", "runtime", "--platform", "linux/amd64", "--provenance", "false"],
      ...["--output", `type=oci,dest=${runtime},tar=false,oci-mediatypes=true`],
    );
    const index = JSON.parse(await readFile(join(runtime, "index.json"), "utf8"));
    layout = join(folder, "image");
    const to = `oci:${layout}`;
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
    await attempt("image", "rm", "--force", loadedName(candidate.split("@")[1] ?? ""));
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
      ["gpu", "skipped", "no GPU: nvidia-smi could not be started"],
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

  describe("changed so that it is not fit to run", () => {
    let accepted: (name: string) => Promise<Said>;
    beforeAll(async () => {
      const files = await programs();
      const origin = await manifestOf(layout, candidate.split("@")[1] ?? "");
      accepted = sideBySide(images, 2, async (row) => {
        const digest = await derive(layout, origin, (image) => changed(image, row), files);
        const reference = `oci:${layout}@${digest}`;
        const limits = [...small, ...(row.inputs ?? [])];
        const said = await cli("accept", reference, "--lock", lock, "--json", ...limits);
        await attempt("image", "rm", "--force", loadedName(digest));
        return said;
      });
    });

    it.each(images.map((row) => [row.name, row.what, row] as const))(
      "%s: it %s",
      async (name, _, row) => {
        const said = await accepted(name);
        expect(said.stdout === "" ? said.stderr : "").toBe("");
        const { result, failures, of } = views(JSON.parse(said.stdout));
        expect(failures).toEqual(matching(row.fails));
        if (row.skipped !== undefined) {
          expect(result).toMatchObject({ verdict: "skipped", checks: [] });
          expect(result.reason).toMatch(row.skipped);
          return;
        }
        expect(of("passed")).toEqual(passing(row, imageChecks));
        expect({ code: said.code, verdict: result.verdict }).toEqual({
          code: 1,
          verdict: "failed",
        });
      },
      600_000,
    );
  });

  it("leaves no container, network or volume behind", async () => {
    // A run that was killed may have left some, before.
    expect((await leftOf()).filter((one) => !before.includes(one))).toEqual([]);
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

/** What `accept` calls an image in the local Docker. */
function loadedName(digest: string): string {
  return `director-image-candidate:${digest.slice("sha256:".length).slice(0, 12)}`;
}

const brokenFolder = join("__tests__", "acceptance", "broken");

/** What lies in every changed image: broken.py, and the beginning of a program for a machine that nobody emulates here. */
async function programs(): Promise<Readonly<Record<string, Uint8Array>>> {
  const python = ["broken.py", "pages.py", "relay.py"].map(
    async (name) => [`broken/${name}`, await readFile(join(brokenFolder, name))] as const,
  );
  const elf = Buffer.alloc(64);
  elf.write("\x7fELF\x02\x01\x01", "latin1");
  elf.writeUInt16LE(2, 16);
  elf.writeUInt16LE(243, 18);
  return { ...Object.fromEntries(await Promise.all(python)), "broken/riscv64": elf };
}

/** The configuration of a row's image. Docker looks at its health every second, so that nobody waits for that. */
function changed(
  image: Image,
  { name, config, env, entrypoint, architecture }: BrokenImage,
): Image {
  const { Healthcheck, Env = [], Entrypoint = [] } = image.config;
  const broken = ["python3", "-B", "/broken/broken.py", name, ...Entrypoint];
  return {
    ...image,
    architecture: architecture ?? image.architecture,
    config: {
      ...image.config,
      Healthcheck: { ...Healthcheck, Interval: 1e9 },
      Env: env === undefined ? Env : [...Env, env],
      Entrypoint: entrypoint === "broken" ? broken : (entrypoint ?? Entrypoint),
      ...config,
    },
  };
}
