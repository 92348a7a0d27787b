import { amount } from "../amount.ts";
import type { Digest } from "../images/digest.ts";
import type { DockerEngine } from "./docker-engine.ts";
import type { Ports } from "./ports.ts";

/** Bytes of disk for a byte that is pulled: the blob, its unpacked copy, and some room. */
const perByte = 2.2;

/** A layer as it is stored, and its digest when it is not compressed: by those, from the lowest up, Docker knows what it has. */
export interface PulledLayer {
  readonly diffId: Digest;
  readonly size: number;
}

/** Why Docker has no room for the layers that it lacks of images; undefined where it has, or where that cannot be told (an engine elsewhere). */
export async function roomFor(
  images: readonly (readonly PulledLayer[])[],
  { root }: DockerEngine,
  ports: Pick<Ports, "exec" | "env" | "files">,
): Promise<string | undefined> {
  const disk = await ports.files.statfs(root).catch(() => undefined);
  if (disk === undefined) return undefined;
  const there = await localImages(ports);
  const needed = perByte * images.reduce((sum, image) => sum + missingBytes(image, there), 0);
  const free = disk.bavail * disk.bsize;
  return needed <= free
    ? undefined
    : `disk, needs ${amount(needed)} at ${root}, ${amount(free)} are free`;
}

/** Bytes of the layers above those that the image shares with one that is there. Pure. */
export function missingBytes(
  image: readonly PulledLayer[],
  there: readonly (readonly Digest[])[],
): number {
  const shared = (other: readonly Digest[]) => {
    const at = image.findIndex(({ diffId }, layer) => diffId !== other[layer]);
    return at === -1 ? image.length : at;
  };
  const most = Math.max(0, ...there.map(shared));
  return image.slice(most).reduce((sum, { size }) => sum + size, 0);
}

/** The layers of every image that the engine has, by their diff_ids; none where it does not tell. */
async function localImages({
  exec,
  env,
}: Pick<Ports, "exec" | "env">): Promise<readonly (readonly Digest[])[]> {
  const listed = await exec("docker", ["image", "ls", "--quiet", "--no-trunc"], { env });
  const ids = [...new Set(listed.stdout.split("\n").filter((id) => id !== ""))];
  if (listed.code !== 0 || ids.length === 0) return [];
  const format = "{{json .RootFS.Layers}}";
  // One that was removed meanwhile fails the command, which tells of the others all the same.
  const { stdout } = await exec("docker", ["image", "inspect", "--format", format, ...ids], {
    env,
  });
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("["))
    .map((line) => JSON.parse(line) as readonly Digest[]);
}
