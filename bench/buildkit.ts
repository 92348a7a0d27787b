import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { measured, stop, type Usage, until, writtenBy } from "./process.ts";
import type { Scratch } from "./scratch.ts";
import { service, serviceProgram } from "./services.ts";

/** A BuildKit of our own without any cache, and a builder of buildx that uses it (in the run's own DOCKER_CONFIG, so that none is left). */
export interface Buildkit {
  readonly socket: string;
  /** `docker buildx build` with these arguments; written is what the daemon wrote. */
  build(...args: readonly string[]): Promise<Usage>;
}

export async function startBuildkit(scratch: Scratch): Promise<Buildkit> {
  const folder = await scratch.folder("buildkit");
  const socket = `unix://${folder}/buildkitd.sock`;
  const program = serviceProgram(service("TEST_BUILDKIT_ADDR"), "buildkitd");
  const flags = ["--oci-worker-binary=runc", "--containerd-worker=false"];
  const child = spawn(program, ["--root", join(folder, "root"), "--addr", socket, ...flags], {
    stdio: "ignore",
  });
  scratch.later(() => stop(child));
  const path = join(folder, "buildkitd.sock");
  await until("BuildKit", () =>
    stat(path).then(
      () => true,
      () => false,
    ),
  );
  const builder = `bench-${process.pid}-${child.pid}`;
  const create = ["buildx", "create", "--name", builder, "--driver", "remote", socket];
  await measured("docker", create);
  const build = async (...args: readonly string[]) => {
    const before = writtenBy(child.pid);
    const flags = ["--builder", builder, "--provenance=false", "--progress=plain"];
    const usage = await measured("docker", ["buildx", "build", ...flags, ...args]);
    return { ...usage, written: writtenBy(child.pid) - before };
  };
  return { socket, build };
}
