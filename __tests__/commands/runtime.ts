import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blobOf } from "../../src/images/blob.ts";
import { digestOf } from "../../src/images/digest.ts";
import { type Document, descriptorOf, document } from "../../src/images/manifest.ts";
import type { Store } from "../../src/ports/store.ts";

const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
};

/** Puts a small runtime image for both platforms into a store, as one index; `version` is the content of its only file. */
export async function putRuntime(store: Store, version: string): Promise<Document> {
  const manifests: Document[] = [];
  for (const architecture of ["amd64", "arm64"])
    manifests.push(await putPlatform(store, architecture, `${version} on ${architecture}\n`));
  const index = document(types.index, {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: manifests.map((manifest, at) =>
      descriptorOf(manifest, { platform: { os: "linux", architecture: ["amd64", "arm64"][at] } }),
    ),
  });
  await store.putManifest(index);
  return index;
}

async function putPlatform(store: Store, architecture: string, text: string): Promise<Document> {
  const layer = tarOf("version", text);
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os: "linux",
      config: { Entrypoint: ["/version"] },
      rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
      history: [{ created_by: "COPY version /version" }],
    }),
  );
  for (const bytes of [layer, config])
    await store.putBlob(blobOf("runtime", bytes, digestOf(bytes)));
  const of = (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = document(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: of(types.config, config),
    layers: [of(types.layer, layer)],
  });
  await store.putManifest(manifest);
  return manifest;
}

/** A tar with one file, as GNU tar writes it. */
function tarOf(name: string, text: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "runtime-"));
  try {
    const script = `printf %s "$1" > "$2" && tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 -cf - "$2"`;
    return execFileSync("sh", ["-c", script, "sh", text, name], { cwd: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
