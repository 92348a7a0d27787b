import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { exec } from "../../src/host/exec.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { files } from "../../src/host/files.ts";
import type { BlobSource } from "../../src/images/blob.ts";
import { type Digest, digestOf } from "../../src/images/digest.ts";
import { type Document, descriptorOf, document } from "../../src/images/manifest.ts";
import { parsePlace } from "../../src/images/reference.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Store } from "../../src/ports/store.ts";
import { openStore, type StorePorts } from "../../src/stores/open.ts";
import type { RegistryOptions } from "../../src/stores/registry/registry-store.ts";

export interface TestPorts extends StorePorts {
  readonly lines: string[];
  readonly masked: string[];
  readonly waits: number[];
}

/** The real adapters of this machine, but a clock that does not wait and a log that is kept. */
export function testPorts(): TestPorts {
  const lines: string[] = [];
  const masked: string[] = [];
  const waits: number[] = [];
  const log: Log = {
    debug: () => undefined,
    info: (line) => lines.push(line),
    warning: (line) => lines.push(line),
    mask: (secret) => masked.push(secret),
    group: (_, work) => work(),
    progress: () => ({ update: () => undefined, end: () => undefined }),
  };
  const clock: Clock = {
    now: () => Date.now(),
    random: () => 0.5,
    sleep: async (milliseconds, signal) => {
      waits.push(milliseconds);
      await setImmediate(undefined, signal === undefined ? {} : { signal });
    },
  };
  return { fetch: httpFetch(), exec, files, clock, log, lines, masked, waits };
}

export function open(
  place: string,
  options: RegistryOptions = {},
  ports: StorePorts = testPorts(),
): Store {
  return openStore(parsePlace(place), options, ports);
}

/** A blob of random bytes that comes in pieces of 64 KiB; what a test says about it wins. */
export function blob(size: number, more: Partial<BlobSource> = {}) {
  const bytes = randomBytes(size);
  const source: BlobSource = {
    name: "weights.safetensors",
    size,
    digest: digestOf(bytes),
    open: (from) => inPieces(bytes.subarray(from)),
    ...more,
  };
  return { bytes, source, digest: digestOf(bytes) };
}

export async function* inPieces(bytes: Uint8Array, size = 65_536): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

/** Puts an image of these layers into a store; returns its manifest. */
export async function putImage(
  store: Store,
  layers: readonly BlobSource[],
  tag?: string,
): Promise<Document> {
  const config = blob(300);
  for (const source of [config.source, ...layers]) await store.putBlob(source);
  const manifest = imageOf(config, layers);
  await store.putManifest(manifest, tag);
  return manifest;
}

export function imageOf(
  config: { digest: Digest; bytes: Uint8Array },
  layers: readonly BlobSource[],
): Document {
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  return document(mediaType, {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: config.digest,
      size: config.bytes.length,
    },
    layers: layers.map(({ digest, size }) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      digest,
      size,
    })),
  });
}

export function indexOf(manifests: readonly Document[]): Document {
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const architectures = ["amd64", "arm64", "riscv64"];
  return document(mediaType, {
    schemaVersion: 2,
    mediaType,
    manifests: manifests.map((manifest, at) =>
      descriptorOf(manifest, {
        platform: { os: "linux", architecture: architectures[at] ?? "s390x" },
      }),
    ),
  });
}
