import { chmod, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Desk } from "../commands/program.ts";

export interface FakeDocker {
  /** The PATH on which it stands first. */
  readonly path: string;
  /** What it was called with, a line a call; `began` where it sleeps. */
  calls(): Promise<readonly string[]>;
}

/** A `docker` that makes and removes builders in name only, and sleeps where its arguments begin with `slow`. */
export async function fakeDocker(desk: Desk, slow: string, name = "bin"): Promise<FakeDocker> {
  const log = `${desk.folder}/${name}/calls`;
  const file = await desk.write(
    `${name}/docker`,
    `#!/bin/sh
echo "$*" >> ${log}
case "$*" in
  "${slow}"*) echo "began $*" >> ${log}; exec sleep 30;;
  "buildx version") echo github.com/docker/buildx v0.36.1 abc;;
  "context show") echo default;;
  "info "*) echo '[["driver-type","io.containerd.snapshotter.v1"]]';;
  "buildx inspect"*" default") printf 'Driver: docker\\nPlatforms: linux/amd64\\n';;
  "buildx inspect"*) printf 'Driver: remote\\nPlatforms: linux/amd64\\n';;
esac
`,
  );
  await chmod(file, 0o755);
  return {
    path: `${dirname(file)}:${process.env["PATH"]}`,
    calls: async () => (await readFile(log, "utf8").catch(() => "")).trim().split("\n"),
  };
}
