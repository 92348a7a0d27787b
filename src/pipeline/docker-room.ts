import { amount } from "../amount.ts";
import type { Digest } from "../images/digest.ts";
import type { Ports } from "./ports.ts";

/** Bytes of disk for a byte that is pulled: the blob, its unpacked copy, and some room. */
const perByte = 2.2;

/** Why Docker has no room for layers that it lacks; undefined where it has, or where that cannot be told (an engine elsewhere). */
export async function roomFor(
  layers: readonly { readonly digest: Digest; readonly size: number }[],
  { exec, env, files }: Pick<Ports, "exec" | "env" | "files">,
): Promise<string | undefined> {
  const info = await exec("docker", ["info", "--format", "{{.DockerRootDir}}"], { env });
  const folder = info.stdout.trim();
  const disk = await files.statfs(folder).catch(() => undefined);
  if (disk === undefined) return undefined;
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  const free = disk.bavail * disk.bsize;
  const needed = perByte * total;
  return needed <= free
    ? undefined
    : `disk, needs ${amount(needed)} at ${folder}, ${amount(free)} are free`;
}
