import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Hub, type HubOptions, startHub } from "../../examples/miniature/hub.ts";
import { clock as realClock } from "../../src/host/clock.ts";
import { exec } from "../../src/host/exec.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { files } from "../../src/host/files.ts";
import { parsePlace } from "../../src/images/reference.ts";
import type { Lock, LockedModel } from "../../src/models/lock.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Store } from "../../src/ports/store.ts";
import { openStore } from "../../src/stores/open.ts";
import { type Fault, intercept } from "../fakes/faults.ts";

export type Contents = Readonly<Record<string, Buffer>>;

/** A folder of its own, a hub over `<folder>/hub` with faults, and real ports whose clock does not wait. */
export interface World {
  readonly folder: string;
  readonly hub: Hub;
  /** Faults of the hub's two servers; may be changed at any time. */
  readonly faults: Fault[];
  readonly messages: string[];
  readonly waits: number[];
  readonly log: Log;
  readonly clock: Clock;
  /** What pushModels and its like take, without a store. */
  readonly ports: {
    readonly fetch: ReturnType<typeof httpFetch>;
    readonly files: typeof files;
    readonly clock: Clock;
    readonly log: Log;
    readonly hub: { readonly endpoint: URL; readonly token?: string };
    readonly idleTimeout: number;
  };
  /** A registry's repository, or by default a layout on disk in the folder. */
  store(place?: string): Store;
  close(): Promise<void>;
}

export async function startWorld(
  options: Partial<HubOptions> & { idleTimeout?: number } = {},
): Promise<World> {
  const { idleTimeout = 2000, ...hubOptions } = options;
  const folder = mkdtempSync(join(tmpdir(), "models-"));
  const faults: Fault[] = [];
  const messages: string[] = [];
  const waits: number[] = [];
  mkdirSync(join(folder, "hub"));
  const hub = await startHub({
    root: join(folder, "hub"),
    intercept: intercept(faults),
    ...hubOptions,
  });
  const say = (message: string) => {
    messages.push(message);
  };
  const log: Log = {
    debug: say,
    info: say,
    warning: say,
    mask: () => undefined,
    group: (_, work) => work(),
    progress: () => ({ update: () => undefined, end: () => undefined }),
  };
  const clock: Clock = {
    ...realClock,
    random: () => 0.5,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      waits.push(milliseconds);
    },
  };
  return {
    folder,
    hub,
    faults,
    messages,
    waits,
    log,
    clock,
    ports: {
      fetch: httpFetch(),
      files,
      clock,
      log,
      hub: { endpoint: new URL(hub.endpoint) },
      idleTimeout,
    },
    store: (place = `oci:${join(folder, "store")}`) =>
      openStore(parsePlace(place), {}, { fetch: httpFetch(), exec, files, clock, log }),
    close: async () => {
      await hub.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Weights of at least 88 bytes: a safetensors header with one tensor, whose numbers follow from the seed. */
export function weights(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  const length = size - 88;
  let state = seed;
  for (let at = 0; at < size; at += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    bytes[at] = state >> 16;
  }
  const tensor = { dtype: "U8", shape: [length], data_offsets: [0, length] };
  const header = Buffer.from(JSON.stringify({ w: tensor }).padEnd(80));
  bytes.writeBigUInt64LE(BigInt(header.length), 0);
  header.copy(bytes, 8);
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Puts a repository's files under the hub's root, and gives the model that a lock has of them. */
export async function publish(
  { folder, hub }: Pick<World, "folder" | "hub">,
  name: string,
  contents: Contents,
): Promise<LockedModel> {
  for (const [path, bytes] of Object.entries(contents)) {
    const target = join(folder, "hub", "nsn", name, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
  }
  const listing = await fetch(`${hub.endpoint}/api/models/nsn/${name}/revision/main`);
  const { sha } = (await listing.json()) as { sha: string };
  return modelOf(name, contents, { huggingface: `nsn/${name}`, revision: sha });
}

export function modelOf(
  name: string,
  contents: Contents,
  source: LockedModel["source"],
): LockedModel {
  return {
    name,
    title: name.toUpperCase(),
    delivery: "bake",
    license: "mit",
    source,
    files: Object.entries(contents).map(([path, bytes]) => ({
      path,
      size: bytes.length,
      sha256: sha256(bytes),
    })),
  };
}

export function openLock(...models: LockedModel[]): Lock {
  return { version: 1, root: "/models", models };
}
