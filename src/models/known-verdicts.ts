import { isKnown } from "../errors.ts";
import { names } from "../images/names.ts";
import type { Store } from "../ports/store.ts";
import { isCurrent, type LayerVerdict, parseVerdict } from "./layer-verdict.ts";
import type { PlannedLayer } from "./pack.ts";
import { imageLayers } from "./published.ts";

/** Images that are looked through, the lock's own first: an update of the lock leaves most layers as they are. */
const mostImages = 32;

type Verdicts = ReadonlyMap<PlannedLayer, LayerVerdict>;

/** Current verdicts on layers, as the models images of a repository have them. A repository that cannot be read knows none. */
export async function knownVerdicts(
  layers: readonly PlannedLayer[],
  ownTag: string,
  store: Pick<Store, "name" | "readManifest" | "readBlob" | "tags">,
): Promise<Verdicts> {
  const known = new Map<PlannedLayer, LayerVerdict>();
  const look = async (tag: string) => {
    const found = new Map(
      ((await imageLayers(store, tag)) ?? []).map(({ digest, annotations }) => [
        digest,
        parseVerdict(annotations?.[names.gate]),
      ]),
    );
    for (const layer of layers) {
      const verdict = layer.digest === undefined ? undefined : found.get(layer.digest);
      if (verdict !== undefined && isCurrent(verdict, layer)) known.set(layer, verdict);
    }
  };
  try {
    await look(ownTag);
    if (known.size === layers.length) return known;
    const others = (await store.tags()).filter((tag) => isModelsTag(tag) && tag !== ownTag);
    for (const tag of others.slice(-mostImages)) {
      await look(tag);
      if (known.size === layers.length) break;
    }
  } catch (error) {
    // Nothing hangs on it: what is not known is read.
    if (!isKnown(error)) throw error;
  }
  return known;
}

function isModelsTag(tag: string): boolean {
  return /^models-[0-9a-f]{12}$/.test(tag);
}
