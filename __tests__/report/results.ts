import { digestOf } from "../../src/images/digest.ts";
import type { Results } from "../../src/results/stages.ts";

export const digests = {
  image: digestOf("image"),
  amd64: digestOf("amd64"),
  runtime: digestOf("runtime"),
  layer: digestOf("layer"),
  models: digestOf("models"),
};

/** What a run on one platform left: one layer uploaded, one tag moved, one not. */
export const results: Results = {
  prepare: {
    image: "ghcr.io/nsn/director",
    target: "ghcr.io/nsn/director",
    platforms: [{ platform: "linux/amd64", runner: "" }],
    tags: ["1.2.3", "latest"],
    version: "1.2.3",
    labels: {},
    annotations: {},
    manifestAnnotations: {},
    push: true,
    pushReason: "push is true",
    cacheMayBeWritten: true,
    models: { lock: "models.lock.json", delivery: "hybrid", repository: "ghcr.io/nsn/director" },
    source: { revision: "abc123", commitTime: 0, created: "1970-01-01T00:00:00Z" },
    seconds: 0.1,
  },
  models: {
    digest: digests.models,
    repository: "ghcr.io/nsn/director",
    layers: [{ digest: digests.layer, size: 5_000_000, state: "uploaded", files: ["one/a|b.bin"] }],
    files: [],
    bytesUploaded: 5_000_500,
    bytesRead: 5_000_000,
    requests: 7,
    seconds: 125,
  },
  build: [
    {
      platforms: [{ platform: "linux/amd64", digest: digests.runtime, size: 2_000_000 }],
      repository: "ghcr.io/nsn/director",
      indexes: [],
      cached: true,
      seconds: 3,
    },
  ],
  scan: [],
  assemble: {
    digest: digests.image,
    mediaType: "application/vnd.oci.image.index.v1+json",
    repository: "ghcr.io/nsn/director",
    platforms: [
      {
        platform: "linux/amd64",
        digest: digests.amd64,
        runtimeDigest: digests.runtime,
        size: 7_000_000,
      },
    ],
    absent: [],
    bytesUploaded: 1500,
    newRuntimeBytes: 0,
    seconds: 1,
  },
  accept: [],
  promote: {
    digest: digests.image,
    tags: [
      { tag: "1.2.3", to: digests.image, moved: true, why: "new" },
      {
        tag: "latest",
        to: digests.image,
        moved: false,
        why: "points at\r\n# a newer <b>image</b>",
      },
    ],
    untested: { reason: "first | try", missing: ["the acceptance"] },
    seconds: 0.5,
  },
};
