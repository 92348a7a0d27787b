import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "@jest/globals";
import { pack } from "tar-stream";
import type { RawLayer } from "../../src/images/assemble.ts";
import { blobOf } from "../../src/images/blob.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { type Digest, digestOf } from "../../src/images/digest.ts";
import { descriptorOf, document } from "../../src/images/manifest.ts";
import type { CompleteLock } from "../../src/models/lock.ts";
import { type Assembling, assembleImage } from "../../src/pipeline/assemble-image.ts";
import { delivered } from "../../src/pipeline/delivery.ts";
import type { Runtime } from "../../src/pipeline/runtime-images.ts";
import type { Store } from "../../src/ports/store.ts";
import type { AssembleResult } from "../../src/results/stages.ts";
import { open, type TestPorts, testPorts } from "../stores/ports.ts";

/** Paths of a layer: folders end in "/", a number is the owner's. */
export type Entries = Readonly<Record<string, string | number>>;

export async function tar(entries: Entries): Promise<Buffer> {
  const tape = pack();
  for (const [name, content] of Object.entries(entries)) {
    const owner = typeof content === "number" ? { uid: content, gid: content } : {};
    if (name.endsWith("/"))
      tape.entry({ name, type: "directory", mode: 0o755, mtime: new Date(0), ...owner });
    else tape.entry({ name, mode: 0o644, mtime: new Date(0) }, String(content));
  }
  tape.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of tape) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** A runtime image of one platform over layers of these entries. */
export interface Made extends Runtime {
  readonly diffIds: readonly Digest[];
}

export interface RuntimeParts {
  readonly platform?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** What the history says of every step. */
  readonly step?: string;
}

export async function putRuntime(
  store: Store,
  layers: readonly (Entries | Buffer)[],
  { platform = "linux/amd64", labels = {}, step = "COPY" }: RuntimeParts = {},
): Promise<Made> {
  const blobs = await Promise.all(layers.map((one) => (Buffer.isBuffer(one) ? one : tar(one))));
  const diffIds = blobs.map(digestOf);
  const [os = "", architecture = ""] = platform.split("/");
  const config = document(mediaTypes.config, {
    ...{ os, architecture, config: { Labels: labels } },
    rootfs: { type: "layers", diff_ids: diffIds },
    history: blobs.map(() => ({ created_by: step, comment: "buildkit.dockerfile.v0" })),
  });
  for (const bytes of [...blobs, config.bytes])
    await store.putBlob(blobOf("runtime", bytes, digestOf(bytes)));
  const manifest = document(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptorOf(config),
    layers: blobs.map((bytes) => ({
      ...{ mediaType: mediaTypes.tar, digest: digestOf(bytes), size: bytes.length },
    })),
  });
  await store.putManifest(manifest);
  return { platform, digest: manifest.digest, store, diffIds };
}

/** Two layouts, for runtimes and for what is published; the model layers of a lock are in the latter. */
export interface Yard {
  readonly software: Store;
  readonly target: Store;
  readonly lock: CompleteLock;
  readonly ports: TestPorts;
  /** Puts the weights below runtimes, in the target. */
  assemble(
    runtimes: readonly Runtime[],
    more?: Partial<Assembling>,
    to?: Store,
  ): Promise<AssembleResult>;
}

const commitTime = "2026-11-09T00:00:00Z";

export function yard(): Yard {
  let folder: string;
  let given: Omit<Yard, "assemble">;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "yard-"));
    const ports = testPorts();
    const target = open(`oci:${join(folder, "target")}`, {}, ports);
    const software = open(`oci:${join(folder, "software")}`, {}, ports);
    given = { software, target, ports, lock: await putWeights(target) };
  });
  afterEach(() => rm(folder, { recursive: true }));
  const assemble: Yard["assemble"] = (runtimes, more = {}, target = given.target) => {
    const { lock, ports } = given;
    const all: Assembling = {
      runtimes,
      platforms: runtimes.map(({ platform }) => platform),
      ...delivered(lock, "bake"),
      created: commitTime,
      labels: {},
      annotations: {},
      manifestAnnotations: {},
      published: [],
      mayLackModels: false,
      ...more,
    };
    const { signal } = new AbortController();
    return assembleImage(all, { weights: target, target, log: ports.log, signal });
  };
  return {
    get software() {
      return given.software;
    },
    get target() {
      return given.target;
    },
    get lock() {
      return given.lock;
    },
    get ports() {
      return given.ports;
    },
    assemble,
  };
}

/** Two models with a layer each. */
async function putWeights(store: Store): Promise<CompleteLock> {
  const layers: (RawLayer & { readonly files: readonly string[] })[] = [];
  for (const name of ["one", "two"]) {
    const bytes = await tar({ "models/": 0, [`models/${name}/`]: 0, [`models/${name}/w`]: name });
    const digest = digestOf(bytes);
    await store.putBlob(blobOf(name, bytes, digest));
    layers.push({ digest, size: bytes.length, what: name, files: [`${name}/w`] });
  }
  const models = ["one", "two"].map((name) => ({
    name,
    title: name,
    delivery: "bake" as const,
    source: { url: `file:///weights/${name}/` },
    files: [{ path: "w", size: name.length, sha256: digestOf(name).slice("sha256:".length) }],
  }));
  return { version: 1, root: "/models", models, layers };
}
