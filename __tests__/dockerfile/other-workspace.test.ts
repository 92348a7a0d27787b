import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { attempt, build, buildTimeout, docker } from "./docker.ts";
import { ownCache, writeWorkspace } from "./workspace.ts";

describe("A workspace of the other shape", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "other-workspace-"));
    await writeWorkspace(folder);
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await attempt("image", "rm", image("arguments"), image("contexts"), image("changed"));
  });

  const image = (name: string) => `director-other-${name}:${process.pid}`;
  const run = (name: string) => docker("run", "--rm", "--network", "none", image(name));
  const runtime = [...ownCache, "--target", "runtime", "--platform", "linux/amd64", "--tag"];

  it(
    "builds by arguments alone",
    async () => {
      const sources = ["--build-arg", "DIRECTOR_SOURCE=.", "--build-arg", "VORTEX_SOURCE=vortex"];
      await build(folder, ...runtime, image("arguments"), ...sources);
      expect(await run("arguments")).toBe("5 off-chain");
      const vortex = ["--entrypoint", "python3", image("arguments"), "-m", "vortex"];
      expect(await docker("run", "--rm", ...vortex)).toBe("another Vortex");
    },
    buildTimeout,
  );

  it(
    "builds from named contexts, wherever its parts lie",
    async () => {
      const parts = [`director-source=${folder}`, `vortex-source=${join(folder, "vortex")}`];
      const contexts = parts.flatMap((part) => ["--build-context", part]);
      await build(join(folder, "pallets"), ...runtime, image("contexts"), ...contexts);
      expect(await run("contexts")).toBe("5 off-chain");
    },
    buildTimeout,
  );

  it(
    "compiles a source that changed although it looks older than what was compiled before",
    async () => {
      const path = join(folder, "pallets", "slots", "src", "lib.rs");
      await writeFile(path, "pub const SLOTS: u8 = 6;\n");
      await utimes(path, 0, 0);
      const sources = ["--build-arg", "DIRECTOR_SOURCE=.", "--build-arg", "VORTEX_SOURCE=vortex"];
      await build(folder, ...runtime, image("changed"), ...sources);
      expect(await run("changed")).toBe("6 off-chain");
    },
    buildTimeout,
  );

  it("names the package that is not in the workspace", async () => {
    const wrong = ["--build-arg", "DIRECTOR_SOURCE=.", "--build-arg", "DIRECTOR_PACKAGE=nsn-other"];
    await expect(build(folder, ...runtime, image("wrong"), ...wrong)).rejects.toThrow(/nsn-other/);
  });
});
