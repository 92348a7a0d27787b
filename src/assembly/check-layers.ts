import { CheckError } from "../errors.ts";
import type { Descriptor } from "../images/descriptor.ts";
import type { FolderOwner } from "../layers/tar-header.ts";
import type { Store } from "../ports/store.ts";
import { readEntries } from "./layer-entries.ts";
import { isRoot, refusal } from "./refusal.ts";

/**
 * Reads a layer as a stream and throws a CheckError for the first entry that may not lie above the weights. Gives the owner of the
 * models' root where the layer has that folder.
 */
export async function checkLayer(
  layer: Descriptor,
  root: string,
  store: Pick<Store, "readBlob">,
  signal?: AbortSignal,
): Promise<FolderOwner | undefined> {
  let owner: FolderOwner | undefined;
  await readEntries(layer, store.readBlob(layer.digest, 0, signal), (entry) => {
    const why = refusal(entry, root);
    if (why !== undefined)
      throw new CheckError(
        `The runtime image cannot be put above the weights: in its layer ${layer.digest}, ${why}.`,
        {
          todo: `Change the step of the Dockerfile that made this entry: nothing of the runtime may be under ${root} or hide it.`,
        },
      );
    if (isRoot(entry, root)) owner = { uid: entry.uid, gid: entry.gid, mode: entry.mode & 0o7777 };
  });
  return owner;
}
