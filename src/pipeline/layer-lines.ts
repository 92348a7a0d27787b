import { provenanceIn, readLayerLines } from "../buildx/provenance.ts";
import type { Digest } from "../images/digest.ts";
import { attestationsOf, isIndex, parseIndex, parseManifest } from "../images/manifest.ts";
import type { Store } from "../ports/store.ts";
import type { ReadRuntime } from "./runtime-images.ts";

type Readable = Pick<Store, "readManifest" | "readBlob">;

/**
 * The lines of the Dockerfile that made a runtime's layers, by diff_id: what BuildKit's provenance of mode `max` says, where one of the
 * indexes has it; else none.
 */
export async function layerLines(
  { digest, image: { manifest, config } }: ReadRuntime,
  indexes: readonly Digest[],
  store: Readable,
): Promise<ReadonlyMap<Digest, number>> {
  for (const reference of indexes) {
    const index = await store.readManifest(reference);
    if (index === undefined || !isIndex(index)) continue;
    const attestation = attestationsOf(parseIndex(index)).get(digest);
    if (attestation === undefined) continue;
    const statement = await provenanceIn(store, attestation);
    const lines = statement === undefined ? new Map() : readLayerLines(statement);
    const { layers } = parseManifest(manifest);
    return new Map(
      layers.flatMap((layer, at) => {
        const [diffId, line] = [config.rootfs.diff_ids[at], lines.get(layer.digest)];
        return diffId === undefined || line === undefined ? [] : [[diffId, line] as const];
      }),
    );
  }
  return new Map();
}
