import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "@jest/globals";
import { clock } from "../../src/host/clock.ts";
import { files } from "../../src/host/files.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { type Document, document } from "../../src/images/manifest.ts";
import { names } from "../../src/images/names.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Store } from "../../src/ports/store.ts";
import type { AcceptResult, AssembleResult, ScanResult } from "../../src/results/stages.ts";
import { layoutStore } from "../../src/stores/layout/layout-store.ts";
import { terminalLog } from "../../src/terminal/log.ts";

export const log: Log = { ...terminalLog({ clock, quiet: true }), warning: () => undefined };

export const index = (created: string, note = ""): Document =>
  document(mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [
      {
        mediaType: mediaTypes.manifest,
        digest: document(mediaTypes.manifest, { created, note }).digest,
        size: 5,
      },
    ],
    annotations: { [names.created]: created },
  });

const runtimeDigest = document("x", { runtime: 1 }).digest;
export const candidateOf = ({ digest, mediaType }: Document): AssembleResult => ({
  digest,
  mediaType,
  repository: "oci:x",
  platforms: [{ platform: "linux/amd64", digest, runtimeDigest, size: 1 }],
  absent: [],
  newRuntimeBytes: 0,
  bytesUploaded: 0,
});
export const scanned: ScanResult = {
  verdict: "passed",
  platforms: [{ platform: "linux/amd64", digest: runtimeDigest }],
};
export const accepted = ({ digest }: Document): AcceptResult => ({
  digest,
  platform: "linux/amd64",
  target: "container",
  verdict: "passed",
  checks: [],
});

export const newer = index("2026-11-09T00:00:00Z");
export const older = index("2026-11-01T00:00:00Z");

/** A layout anew for each test. */
export function promoting(): { readonly store: Store } {
  let folder: string;
  let store: Store;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "promote-"));
    store = layoutStore(folder, { files, clock, log });
  });
  afterEach(() => rm(folder, { recursive: true }));
  return {
    get store() {
      return store;
    },
  };
}
