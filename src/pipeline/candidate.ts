import { CheckError } from "../errors.ts";
import { runtimePart } from "../images/added-layers.ts";
import { type Document, isIndex, parseIndex, parseManifest } from "../images/manifest.ts";
import { platformName } from "../images/platform.ts";
import type { Store } from "../ports/store.ts";
import type { SeenPlatform } from "./readiness.ts";
import { readConfigBlob } from "./runtime-images.ts";

/** The candidate's platforms as the store has them, by their manifests and configs; a CheckError if one is not there. */
export async function readCandidate(
  document: Document,
  store: Store,
): Promise<readonly SeenPlatform[]> {
  if (!isIndex(document))
    throw new CheckError(
      `${document.digest} is no index over platforms, as every candidate is (${document.mediaType}).`,
      { todo: "Run the stage assemble, and promote what it makes." },
    );
  return Promise.all(
    parseIndex(document).manifests.map(async ({ digest, platform }) => {
      const manifest = await store.readManifest(digest);
      if (manifest === undefined)
        throw new CheckError(`${store.name} does not hold ${digest} of ${document.digest}.`, {
          todo: "Run the stage assemble again: it sends what is missing.",
        });
      const config = await readConfigBlob(manifest, store);
      return {
        platform: platform === undefined ? "unknown" : platformName(platform),
        digest,
        diffIds: runtimePart(parseManifest(manifest).layers, config)?.diffIds,
      };
    }),
  );
}
