import { IntegrityError, RemoteError } from "../errors.ts";
import { runtimePart } from "../images/added-layers.ts";
import type { Digest } from "../images/digest.ts";
import { type Index, isIndex, parseIndex, parseManifest } from "../images/manifest.ts";
import { names } from "../images/names.ts";
import type { FolderOwner } from "../layers/tar-header.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import { readConfigBlob } from "./runtime-images.ts";

/** Layers that were read for entries which touch the weights, with the owner of the models' root where they have that folder. */
type Known = Map<Digest, FolderOwner | undefined>;

/**
 * The runtime layers of published images that were checked against this root, with the root's owner where a manifest names it. Their model
 * layers are not among them: a runtime that brings one is refused like any other with entries there.
 */
export async function knownLayers(
  tags: readonly string[],
  root: string,
  store: Store,
  log: Pick<Log, "debug">,
): Promise<Known> {
  const known: Known = new Map();
  for (const { manifests } of await publishedIndexes(tags, root, store)) {
    for (const { digest } of manifests) {
      try {
        await addKnown(known, digest, store);
      } catch (error) {
        if (!(error instanceof RemoteError || error instanceof IntegrityError)) throw error;
        log.debug(`${digest} of a published image is not whole: ${error.message}`);
      }
    }
  }
  return known;
}

/** The indexes under the tags, each once, whose layers were checked against this root. */
async function publishedIndexes(
  tags: readonly string[],
  root: string,
  store: Store,
): Promise<readonly Index[]> {
  const found = new Map<Digest, Index>();
  for (const tag of tags) {
    const document = await store.readManifest(tag);
    if (document === undefined || !isIndex(document)) continue;
    const index = parseIndex(document);
    if (index.annotations?.[names.root] === root) found.set(document.digest, index);
  }
  return [...found.values()];
}

async function addKnown(known: Known, digest: Digest, store: Store): Promise<void> {
  const manifest = await store.readManifest(digest);
  if (manifest === undefined) return;
  const { layers, annotations } = parseManifest(manifest);
  const own = runtimePart(layers, await readConfigBlob(manifest, store))?.layers ?? [];
  for (const layer of own) known.set(layer.digest, known.get(layer.digest));
  const said = saidOwner(annotations);
  if (said !== undefined && own.some((entry) => entry.digest === said.layer))
    known.set(said.layer, said.owner);
}

/** Whose the models' root is, as a platform's manifest says it. */
export function saidOwner(
  annotations: Readonly<Record<string, string>> | undefined,
): { readonly layer: Digest; readonly owner: FolderOwner } | undefined {
  const [, layer, uid, gid, mode] =
    /^(sha256:[0-9a-f]{64}) (\d+):(\d+) ([0-7]{4})$/.exec(annotations?.[names.owner] ?? "") ?? [];
  return layer === undefined
    ? undefined
    : {
        layer: layer as Digest,
        owner: { uid: Number(uid), gid: Number(gid), mode: Number.parseInt(mode ?? "", 8) },
      };
}
