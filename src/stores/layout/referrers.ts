import type { Descriptor } from "../../images/descriptor.ts";
import type { Digest } from "../../images/digest.ts";
import { isAttachedTo, listedIn, referrerDescriptor, referrersTag } from "../../images/referrer.ts";
import type { Files } from "../../ports/files.ts";
import type { Store } from "../../ports/store.ts";
import { readIndex } from "./index-file.ts";

/** A layout lists every manifest that no index names; those with the subject are its referrers, and those under its tag, where it was copied. */
export async function referrersIn(
  folder: string,
  digest: Digest,
  readManifest: Store["readManifest"],
  files: Pick<Files, "readFile">,
): Promise<readonly Descriptor[]> {
  const { manifests } = await readIndex(folder, files);
  const tagged = await readManifest(referrersTag(digest));
  const named = tagged === undefined ? [] : listedIn(tagged);
  const candidates = new Set([...manifests, ...named].map((entry) => entry.digest));
  const found = await Promise.all([...candidates].map((one) => readManifest(one)));
  return found
    .filter((one) => one !== undefined)
    .filter((one) => isAttachedTo(one, digest))
    .map(referrerDescriptor);
}
