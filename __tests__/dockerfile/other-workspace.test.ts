import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { attempt, build, buildTimeout, docker } from "./docker.ts";

/** A workspace whose root is the Cargo workspace, with the Director and Vortex among other things. */
const workspace: Readonly<Record<string, string>> = {
  "Cargo.toml": `[workspace]
members = ["pallets/*", "off-chain/*", "nsn-nodes/director"]
resolver = "2"
`,
  "Cargo.lock": `version = 4

[[package]]
name = "nsn-director"
version = "9.8.7"
dependencies = ["off-chain-worker", "pallet-slots"]

[[package]]
name = "off-chain-worker"
version = "1.0.0"

[[package]]
name = "pallet-slots"
version = "1.0.0"
`,
  "pallets/slots/Cargo.toml": manifest("pallet-slots", "1.0.0"),
  "pallets/slots/src/lib.rs": "pub const SLOTS: u8 = 5;\n",
  "off-chain/worker/Cargo.toml": `${manifest("off-chain-worker", "1.0.0")}[[bin]]\nname = "worker"\npath = "src/bin/worker.rs"\n`,
  "off-chain/worker/src/lib.rs": 'pub const NAME: &str = "off-chain";\n',
  "off-chain/worker/src/bin/worker.rs": "fn main() {}\n",
  "nsn-nodes/director/Cargo.toml": `${manifest("nsn-director", "9.8.7")}[dependencies]
pallet-slots = { path = "../../pallets/slots" }
off-chain-worker = { path = "../../off-chain/worker" }
`,
  "nsn-nodes/director/src/main.rs":
    'fn main() { println!("{} {}", pallet_slots::SLOTS, off_chain_worker::NAME); }\n',
  "vortex/pyproject.toml": `[project]
name = "vortex"
version = "0.0.1"
requires-python = "==3.11.*"
`,
  "vortex/uv.lock": `version = 1
revision = 3
requires-python = "==3.11.*"

[[package]]
name = "vortex"
version = "0.0.1"
source = { virtual = "." }
`,
  "vortex/vortex/__init__.py": "",
  "vortex/vortex/__main__.py": 'print("another Vortex")\n',
};

function manifest(name: string, version: string): string {
  return `[package]\nname = "${name}"\nversion = "${version}"\nedition = "2021"\n\n`;
}

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

describe("A workspace of the other shape", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "other-workspace-"));
    await write(folder, workspace);
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await attempt("image", "rm", image("arguments"), image("contexts"), image("changed"));
  });

  const image = (name: string) => `director-other-${name}:${process.pid}`;
  const run = (name: string) => docker("run", "--rm", "--network", "none", image(name));
  const runtime = ["--target", "runtime", "--platform", "linux/amd64", "--tag"];

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
