import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pack } from "tar-stream";

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** An image's configuration, as far as it is changed here. */
export interface Image {
  readonly architecture: string;
  readonly config: {
    readonly Entrypoint?: readonly string[];
    readonly Env?: readonly string[];
    readonly Healthcheck?: object | null;
    readonly [field: string]: unknown;
  };
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history?: readonly object[];
}

/** An image in a layout: what its index names for linux/amd64. */
export async function manifestOf(layout: string, index: string): Promise<string> {
  const { manifests } = await readJson<{
    manifests: readonly { digest: string; platform: { architecture: string } }[];
  }>(layout, index);
  const one = manifests.find(({ platform }) => platform.architecture === "amd64");
  if (one === undefined) throw new Error(`${index} has no image for amd64.`);
  return one.digest;
}

/** Writes a changed image with one more layer beside its origin, without building anything; gives the digest of its manifest. */
export async function derive(
  layout: string,
  manifest: string,
  change: (image: Image) => Image,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<string> {
  const origin = await readJson<{ config: Blob; layers: readonly Blob[] }>(layout, manifest);
  const image = change(await readJson<Image>(layout, origin.config.digest));
  const layer = await write(layout, await tar(files), layerType);
  const config = {
    ...image,
    rootfs: { ...image.rootfs, diff_ids: [...image.rootfs.diff_ids, layer.digest] },
    history: [...(image.history ?? []), { created_by: "derived" }],
  };
  const changed = {
    ...origin,
    config: await write(layout, json(config), origin.config.mediaType),
    layers: [...origin.layers, layer],
  };
  return (await write(layout, json(changed), "")).digest;
}

const layerType = "application/vnd.oci.image.layer.v1.tar";

async function tar(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const packing = pack();
  for (const [name, bytes] of Object.entries(files))
    packing.entry({ name, mode: 0o755, mtime: new Date(0) }, Buffer.from(bytes));
  packing.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of packing) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}

function json(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

async function readJson<T>(layout: string, digest: string): Promise<T> {
  return JSON.parse(await readFile(path(layout, digest), "utf8")) as T;
}

async function write(layout: string, bytes: Uint8Array, mediaType: string): Promise<Blob> {
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  await writeFile(path(layout, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}

function path(layout: string, digest: string): string {
  return join(layout, "blobs", "sha256", digest.slice("sha256:".length));
}
