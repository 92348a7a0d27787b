import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "@jest/globals";
import { clock } from "../../src/host/clock.ts";
import { files } from "../../src/host/files.ts";
import { blobOf } from "../../src/images/blob.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { type Document, descriptorOf, document, parseIndex } from "../../src/images/manifest.ts";
import { names } from "../../src/images/names.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Store } from "../../src/ports/store.ts";
import type { AcceptResult, AssembleResult, ScanResult } from "../../src/results/stages.ts";
import { layoutStore } from "../../src/stores/layout/layout-store.ts";
import { terminalLog } from "../../src/terminal/log.ts";

export const log: Log = { ...terminalLog({ clock, quiet: true }), warning: () => undefined };

/** A platform without layers. */
const config = document(mediaTypes.config, { rootfs: { type: "layers", diff_ids: [] } });
const platformOf = (created: string, note: string): Document =>
  document(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptorOf(config),
    layers: [],
    annotations: { created, note },
  });

export const index = (created: string, note = ""): Document => {
  const platform = { os: "linux", architecture: "amd64" };
  return document(mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [descriptorOf(platformOf(created, note), { platform })],
    annotations: { [names.created]: created },
  });
};

const runtimeDigest = document("x", { runtime: 1 }).digest;
export const candidateOf = (image: Document): AssembleResult => ({
  digest: image.digest,
  mediaType: image.mediaType,
  repository: "oci:x",
  platforms: parseIndex(image).manifests.map(({ digest }) => ({
    ...{ platform: "linux/amd64", digest, runtimeDigest, size: 1 },
  })),
  absent: [],
  newRuntimeBytes: 0,
  bytesUploaded: 0,
});
export const scanned: ScanResult = {
  verdict: "passed",
  platforms: [{ platform: "linux/amd64", digest: runtimeDigest, diffIds: [] }],
};
export const accepted = ({ digest }: Document): AcceptResult => ({
  digest,
  platform: "linux/amd64",
  target: "container",
  verdict: "passed",
  checks: [],
});

/** Nobody signs. */
export const attest = async () => ({});

const dates = { newer: "2026-11-09T00:00:00Z", older: "2026-11-01T00:00:00Z" };
export const newer = index(dates.newer);
export const older = index(dates.older);

/** A layout anew for each test, with the platforms of `newer` and `older`, but not their indexes. */
export function promoting(): { readonly store: Store } {
  let folder: string;
  let store: Store;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "promote-"));
    store = layoutStore(folder, { files, clock, log });
    await store.putBlob(blobOf("config", config.bytes, config.digest));
    for (const created of Object.values(dates)) await store.putManifest(platformOf(created, ""));
  });
  afterEach(() => rm(folder, { recursive: true }));
  return {
    get store() {
      return store;
    },
  };
}
