import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { blobOf } from "../../src/images/blob.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { type Digest, digestOf } from "../../src/images/digest.ts";
import { descriptorOf, document } from "../../src/images/manifest.ts";
import type { Store } from "../../src/ports/store.ts";
import type { FakeSigstore } from "../fakes/sigstore.ts";
import type { Made } from "./images.ts";

export const buildkit = {
  _type: "https://in-toto.io/Statement/v0.1",
  predicateType: "https://slsa.dev/provenance/v0.2",
  subject: [{ name: "pkg:docker/runtime", digest: { sha256: "0".repeat(64) } }],
  predicate: { buildType: "https://mobyproject.org/buildkit@v1", materials: [] },
};

/** What stages left in the results folder, and the file that names the Sigstore of the test. */
export async function fill(folder: string, lock: string, { fulcio, rekor, root }: FakeSigstore) {
  await mkdir(folder, { recursive: true });
  const bill = { bomFormat: "CycloneDX", specVersion: "1.7", components: [] };
  const files = {
    "models.lock.json": lock,
    "sbom-linux-amd64.cdx.json": JSON.stringify({ ...bill, serialNumber: "urn:uuid:amd64" }),
    "sbom-linux-arm64.cdx.json": JSON.stringify({ ...bill, serialNumber: "urn:uuid:arm64" }),
    "sigstore.json": JSON.stringify({ fulcio, rekor, trustedRoot: "root.json" }),
    "root.json": JSON.stringify(root),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

/** BuildKit's index over a runtime, with its provenance beside it. */
export async function attested(
  runtimes: readonly Made[],
  store: Store,
  provenance: object = buildkit,
): Promise<Digest> {
  const statement = new TextEncoder().encode(JSON.stringify(provenance));
  const config = document(mediaTypes.config, { architecture: "unknown", os: "unknown" });
  await store.putBlob(blobOf("config", config.bytes, config.digest));
  await store.putBlob(blobOf("statement", statement, digestOf(statement)));
  const attestation = document(mediaTypes.manifest, {
    ...{ schemaVersion: 2, mediaType: mediaTypes.manifest, config: descriptorOf(config) },
    layers: [
      {
        ...{ mediaType: "application/vnd.in-toto+json", digest: digestOf(statement) },
        size: statement.length,
        annotations: { "in-toto.io/predicate-type": buildkit.predicateType },
      },
    ],
  });
  await store.putManifest(attestation);
  const [first] = runtimes;
  const index = document(mediaTypes.index, {
    ...{ schemaVersion: 2, mediaType: mediaTypes.index },
    manifests: [
      descriptorOf(attestation, {
        annotations: { "vnd.docker.reference.digest": first?.digest ?? "" },
      }),
    ],
  });
  await store.putManifest(index);
  return index.digest;
}
