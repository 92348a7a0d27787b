import { provenanceIn, readLayerLines } from "../buildx/provenance.ts";
import type { Digest } from "../images/digest.ts";
import { attestationsOf, isIndex, parseIndex, parseManifest } from "../images/manifest.ts";
import type { ReadRuntime } from "./runtime-images.ts";

/**
 * The lines of the Dockerfile that made a runtime's layers, by diff_id: what BuildKit's provenance of mode `max` says, where one of its
 * indexes has it; else none.
 */
export async function layerLines({
  digest,
  store,
  indexes = [],
  image: { manifest, config },
}: ReadRuntime): Promise<ReadonlyMap<Digest, number>> {
  for (const reference of indexes) {
    const index = await store.readManifest(reference);
    if (index === undefined || !isIndex(index)) continue;
    const attestation = attestationsOf(parseIndex(index)).get(digest);
    if (attestation === undefined) continue;
    const statement = await provenanceIn(store, attestation);
    const { layers } = parseManifest(manifest);
    const digests = layers.map((layer) => layer.digest);
    const lines = statement === undefined ? [] : readLayerLines(statement, digests);
    return new Map(
      config.rootfs.diff_ids.flatMap((diffId, at) => {
        const line = lines[at];
        return line === undefined ? [] : [[diffId, line] as const];
      }),
    );
  }
  return new Map();
}
