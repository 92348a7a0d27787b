import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { attempt, build, buildTimeout, docker } from "./docker.ts";

/** How docs/models.md says that a volume is filled from an image, and updated from the next one. */
const fill = [
  "/app/vortex/scripts/download_models.py",
  ...["--output", "/data", "--lock", "/models/models.lock.json", "--verify-checksums"],
];
const runtime = `director-volume-test:${process.pid}`;
const volume = `director-volume-test-${process.pid}`;
/** The weights of two revisions, of one size. */
const revisions = ["one", "two"] as const;
const image = (revision: string) => `director-volume-test-${revision}:${process.pid}`;

describe("A volume of weights, filled from the image", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "volume-"));
    await chmod(folder, 0o755);
    await build(".", "--target", "runtime", "--platform", "linux/amd64", "--tag", runtime);
    for (const revision of revisions) await assemble(revision);
  }, buildTimeout);
  afterAll(async () => {
    await attempt("volume", "rm", volume);
    await attempt("image", "rm", ...revisions.map(image), runtime);
    await rm(folder, { recursive: true });
  });

  /** The runtime with a lock on top, as assembling leaves it. */
  async function assemble(revision: string): Promise<void> {
    const weights = join(folder, "weights", revision);
    await mkdir(weights, { recursive: true });
    await writeFile(join(weights, "model.bin"), revision);
    const sha256 = createHash("sha256").update(revision).digest("hex");
    const files = [{ path: "model.bin", size: revision.length, sha256 }];
    const source = { url: `file:///weights/${revision}/` };
    const model = { name: "kokoro-82m", title: "Kokoro-82M", license: "mit", source, files };
    const context = join(folder, revision);
    await mkdir(context);
    await writeFile(join(context, "lock"), JSON.stringify({ version: 1, models: [model] }));
    const lines = `FROM ${runtime}\nCOPY lock /models/models.lock.json\n`;
    await writeFile(join(context, "Dockerfile"), lines);
    await docker("buildx", "build", "--tag", image(revision), context);
  }

  it("is described so", async () => {
    const said = (await readFile(join("docs", "models.md"), "utf8")).replace(/\s*\\\n\s*/g, " ");
    const start = "docker run --rm -v models:/data --entrypoint python3";
    expect(said).toContain(`${start} ghcr.io/me/director:latest ${fill.join(" ")}\n`);
  });

  it.each([
    ["is filled, where it is fresh", "one"],
    ["is updated by the next image, whose lock it has not seen", "two"],
  ])(
    "%s",
    async (_, revision) => {
      const from = `type=bind,source=${join(folder, "weights")},target=/weights,readonly`;
      const run = ["run", "--rm", "--network", "none", "--mount", from, "-v", `${volume}:/data`];
      await docker(...run, "--entrypoint", "python3", image(revision), ...fill);

      const look = ["run", "--rm", "--network", "none", "-v", `${volume}:/models:ro`];
      const cat = [...look, "--entrypoint", "cat", image(revision)];
      expect(await docker(...cat, "/models/kokoro-82m/model.bin")).toBe(revision);
      const lock = await readFile(join(folder, revision, "lock"), "utf8");
      expect(await docker(...cat, "/models/models.lock.json")).toBe(lock);
    },
    60_000,
  );
});
