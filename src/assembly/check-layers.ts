import { CheckError } from "../errors.ts";
import type { Descriptor } from "../images/descriptor.ts";
import type { Store } from "../ports/store.ts";
import { readEntries } from "./layer-entries.ts";
import { refusal } from "./refusal.ts";

/** Reads layers as streams and throws a CheckError for the first entry that may not lie above the weights. */
export async function checkLayers(
  layers: readonly Descriptor[],
  root: string,
  store: Pick<Store, "readBlob" | "name">,
  signal?: AbortSignal,
): Promise<void> {
  for (const layer of layers) {
    await readEntries(layer, store.readBlob(layer.digest, 0, signal), (entry) => {
      const why = refusal(entry, root);
      if (why === undefined) return;
      throw new CheckError(
        `The runtime image cannot be put above the weights: in its layer ${layer.digest}, ${why}.`,
        {
          todo: `Change the step of the Dockerfile that made this entry: nothing of the runtime may be under ${root} or hide it.`,
        },
      );
    });
  }
}
