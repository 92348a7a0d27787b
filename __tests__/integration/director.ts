import { homedir } from "node:os";
import { join } from "node:path";
import { output, run } from "./workspace.ts";

const cache =
  process.env["DIRECTOR_IMAGE_DEV_CACHE"] || join(homedir(), ".cache", "director-image-dev");

/** The reference node as cargo builds it, and the environment in which it finds its sidecar. */
export interface Built {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Builds the reference node and the sidecar's environment; takes minutes the first time. */
export async function buildDirector(): Promise<Built> {
  const uv = await output(join("scripts", "setup", "python-tool.sh"), "uv");
  await output(uv, "sync", "--locked", "--quiet", "--project", "vortex");
  const target = join(cache, "rust-target");
  const build = ["build", "--locked", "--quiet", "--manifest-path", "director/Cargo.toml"];
  const built = await run("cargo", build, undefined, { CARGO_TARGET_DIR: target });
  if (built.code !== 0) throw new Error(built.stderr);
  const root = process.cwd();
  return {
    program: join(target, "debug", "nsn-director"),
    env: {
      PATH: `${join(root, "vortex", ".venv", "bin")}:${process.env["PATH"]}`,
      PYTHONPATH: join(root, "vortex"),
    },
  };
}
