import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blobOf } from "../../src/images/blob.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { digestOf } from "../../src/images/digest.ts";
import { document } from "../../src/images/manifest.ts";
import { service } from "../fakes/service.ts";
import { open } from "../stores/ports.ts";

/** The tests' database as its makers publish one: an artifact whose only layer is a tar.gz of two files. `spoil` changes the layer. */
export async function pushDatabase(
  place: string,
  tag: string,
  updatedAt: Date,
  spoil: (layer: Buffer) => Buffer = (layer) => layer,
): Promise<void> {
  const store = open(place);
  const layer = spoil(archiveOf(updatedAt));
  const config = Buffer.from("{}");
  for (const bytes of [layer, config])
    await store.putBlob(blobOf("database", bytes, digestOf(bytes)));
  const of = (mediaType: string, bytes: Uint8Array) => ({
    ...{ mediaType, digest: digestOf(bytes), size: bytes.length },
  });
  const manifest = document(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: of("application/vnd.aquasec.trivy.config.v1+json", config),
    layers: [
      {
        ...of("application/vnd.aquasec.trivy.db.layer.v1.tar+gzip", layer),
        annotations: { "org.opencontainers.image.title": "db.tar.gz" },
      },
    ],
  });
  await store.putManifest(manifest, tag);
}

function archiveOf(updatedAt: Date): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "database-"));
  try {
    cpSync(join(service("TEST_TRIVY_DB"), "db", "trivy.db"), join(folder, "trivy.db"));
    writeFileSync(join(folder, "metadata.json"), metadataOf(updatedAt));
    execFileSync("tar", ["-czf", "db.tar.gz", "trivy.db", "metadata.json"], { cwd: folder });
    return readFileSync(join(folder, "db.tar.gz"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function metadataOf(updatedAt: Date): string {
  const at = updatedAt.toISOString();
  return JSON.stringify({ Version: 2, NextUpdate: at, UpdatedAt: at, DownloadedAt: at });
}
