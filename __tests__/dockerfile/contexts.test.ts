import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { attempt, build, buildTimeout, docker } from "./docker.ts";

/** What lies beside the sources on a host that was worked on. */
const leftovers: Readonly<Record<string, readonly string[]>> = {
  vortex: [
    "tests/test_one.py",
    ".venv/lib/site-packages/one.py",
    ".pytest_cache/one",
    "vortex/__pycache__/one.cpython-312.pyc",
  ],
  director: ["target/release/one", "nsn-director/target/one"],
};

describe("What of the sources reaches a build", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "contexts-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await attempt("image", "rm", image);
  });
  const image = `director-contexts-test:${process.pid}`;

  async function write(...paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, "");
    }
  }

  /** A source folder of this repository without what is on this host, and with leftovers. */
  async function worked(name: string, at: string): Promise<string> {
    const copy = join(folder, at, name);
    const skipped = new Set([".venv", "target", "__pycache__"]);
    await cp(name, copy, { recursive: true, filter: (path) => !skipped.has(basename(path)) });
    await write(...(leftovers[name] ?? []).map((path) => join(copy, path)));
    return copy;
  }

  /** The files that BuildKit gets of a context. */
  async function filesOf(context: string, ...args: readonly string[]): Promise<readonly string[]> {
    const [probe, out] = [join(folder, "Probe"), join(folder, "out")];
    await rm(out, { recursive: true, force: true });
    const source = args.length === 0 ? "" : "--from=source ";
    await writeFile(probe, `FROM scratch\nCOPY ${source}. /\n`);
    const output = ["--output", `type=local,dest=${out}`];
    await docker("buildx", "build", "--file", probe, ...output, ...args, context);
    const found = await readdir(out, { recursive: true, withFileTypes: true });
    return found
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(out, join(entry.parentPath, entry.name)))
      .sort();
  }

  it.each([
    ["vortex", ["pyproject.toml", "uv.lock", "scripts/download_models.py", "vortex/__main__.py"]],
    ["director", ["Cargo.toml", "Cargo.lock", "nsn-director/build.rs"]],
  ])("is %s without this host's leftovers, as a named context too", async (name, wanted) => {
    const copy = await worked(name, "named");
    const empty = join(folder, "empty");
    await mkdir(empty, { recursive: true });
    const named = await filesOf(empty, "--build-context", `source=${copy}`);
    expect(named).toEqual(expect.arrayContaining(wanted));
    const strange = /(^|\/)(\.venv|target|__pycache__|\.[a-z]+_cache|\.dockerignore)(\/|$)/;
    expect(named.filter((path) => strange.test(path))).toEqual([]);
    expect(named.filter((path) => name === "vortex" && path.startsWith("tests/"))).toEqual([]);

    const whole = join(folder, "whole");
    await cp(copy, join(whole, name), { recursive: true });
    await cp(".dockerignore", join(whole, ".dockerignore"));
    const ofWhole = (await filesOf(whole)).filter((path) => path.startsWith(`${name}/`));
    expect(ofWhole.map((path) => path.slice(name.length + 1))).toEqual(named);
  });

  it("is any models lock, by the ending of its name, and no other file around it", async () => {
    const root = join(folder, "locks");
    const allowed = ["models.lock.json", "small.lock.json", "examples/miniature/models.lock.json"];
    const others = ["package-lock.json", "models.json", "examples/models.lock.txt", ".git/config"];
    await write(...[...allowed, ...others, "src/a.lock.json"].map((path) => join(root, path)));
    await cp(".dockerignore", join(root, ".dockerignore"));
    expect(await filesOf(root)).toEqual([...allowed].sort());
  });

  it(
    "breaks no image, where a named context brings an environment and tests all the same",
    async () => {
      const copy = await worked("vortex", "foreign");
      await rm(join(copy, ".dockerignore"));
      await mkdir(join(copy, ".venv", "bin"));
      for (const name of ["python", "python3"])
        await symlink("/nowhere/python", join(copy, ".venv", "bin", name));
      const named = ["--build-context", `vortex-source=${copy}`];
      await build(
        ".",
        "--target",
        "runtime",
        "--platform",
        "linux/amd64",
        "--tag",
        image,
        ...named,
      );
      const run = ["run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c"];
      const program = "import numpy, vortex; print(vortex.__file__)";
      expect(await docker(...run, `python3 -c '${program}'`)).toBe(
        "/app/vortex/vortex/__init__.py",
      );
      const found = await docker(...run, "cd /app/vortex && ls -A . vortex/__pycache__");
      expect(found).not.toMatch(/tests|_cache$|cpython-312/m);
    },
    buildTimeout,
  );
});
