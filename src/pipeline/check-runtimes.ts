import { checkLayer } from "../assembly/check-layers.ts";
import type { Digest } from "../images/digest.ts";
import { isIndex, parseIndex, parseManifest } from "../images/manifest.ts";
import { names } from "../images/names.ts";
import type { FolderOwner } from "../layers/tar-header.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { ReadRuntime } from "./runtime-images.ts";

/** Whose the models' root is, by the last runtime layer that has the folder. */
export interface RootOwner {
  readonly layer: Digest;
  readonly owner: FolderOwner;
}

export interface CheckedRuntime extends ReadRuntime {
  readonly rootOwner: RootOwner | undefined;
  /** Bytes of the layers that the published image does not have. */
  readonly newBytes: number;
}

interface Ports {
  readonly target: Store;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Reads the layers that the published image of the same root does not have, for entries that touch the weights (CheckError), and
 * finds whose the root is: of the layers that are not read, the published image says it.
 */
export async function checkRuntimes(
  runtimes: readonly ReadRuntime[],
  root: string,
  published: string | undefined,
  { target, log, signal }: Ports,
): Promise<readonly CheckedRuntime[]> {
  const known =
    published === undefined
      ? new Map<Digest, FolderOwner | undefined>()
      : await knownLayers(published, root, target);
  const checked: CheckedRuntime[] = [];
  for (const runtime of runtimes) {
    let rootOwner: RootOwner | undefined;
    let read = 0;
    let newBytes = 0;
    for (const layer of parseManifest(runtime.image.manifest).layers) {
      if (!known.has(layer.digest)) {
        known.set(layer.digest, await checkLayer(layer, root, runtime.store, signal));
        read += 1;
        newBytes += layer.size;
      }
      const owner = known.get(layer.digest);
      if (owner !== undefined) rootOwner = { layer: layer.digest, owner };
    }
    log.debug(
      `${runtime.platform}: ${read} new runtime layers were read for entries under ${root}.`,
    );
    checked.push({ ...runtime, rootOwner, newBytes });
  }
  return checked;
}

/** How a platform's manifest says whose the root is: the layer, `uid:gid` and the mode. */
export function ownerText({ layer, owner: { uid, gid, mode } }: RootOwner): string {
  return `${layer} ${uid}:${gid} ${mode.toString(8).padStart(4, "0")}`;
}

/** The layers of the published image that were checked against this root, with the root's owner where the manifest names it. */
async function knownLayers(
  tag: string,
  root: string,
  store: Store,
): Promise<Map<Digest, FolderOwner | undefined>> {
  const known = new Map<Digest, FolderOwner | undefined>();
  const document = await store.readManifest(tag);
  if (document === undefined || !isIndex(document)) return known;
  const index = parseIndex(document);
  if (index.annotations?.[names.root] !== root) return known;
  for (const { digest } of index.manifests) {
    const manifest = await store.readManifest(digest);
    if (manifest === undefined) continue;
    const { layers, annotations } = parseManifest(manifest);
    for (const layer of layers) known.set(layer.digest, known.get(layer.digest));
    const [, layer, uid, gid, mode] =
      /^(sha256:[0-9a-f]{64}) (\d+):(\d+) ([0-7]{4})$/.exec(annotations?.[names.owner] ?? "") ?? [];
    if (layer !== undefined)
      known.set(layer as Digest, {
        uid: Number(uid),
        gid: Number(gid),
        mode: Number.parseInt(mode ?? "", 8),
      });
  }
  return known;
}
