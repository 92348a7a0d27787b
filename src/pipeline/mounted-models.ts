import { type Digest, isDigest } from "../images/digest.ts";
import { parsePlace } from "../images/reference.ts";
import { imagePath, isComplete, type Lock } from "../models/lock.ts";
import type { Store } from "../ports/store.ts";
import type { Ports } from "./ports.ts";

/** An image whose layers are the models of a lock. */
export interface ModelsImage {
  readonly store: Store;
  readonly digest: Digest;
}

/** Names of the models of which an image with these layers carries nothing; none for an open lock, which does not tell. Pure. */
export function mountedModels(
  lock: Lock | undefined,
  layers: readonly { readonly digest: Digest }[],
): readonly string[] {
  if (lock === undefined || !isComplete(lock)) return [];
  const baked = new Set(layers.map(({ digest }) => digest));
  const absent = lock.layers.filter(({ digest }) => !baked.has(digest));
  const names = absent.flatMap(({ files }) => files.map((id) => id.split("/")[0] ?? ""));
  return [...new Set(names)];
}

/** The models image that an image's label names (design: "The final image"); undefined where it names none. */
export function modelsImageOf(
  label: string,
  image: Store,
  { open }: Pick<Ports, "open">,
): ModelsImage | undefined {
  const at = label.lastIndexOf("@");
  const digest = label.slice(at + 1);
  if (at === -1 || !isDigest(digest)) return undefined;
  const place = label.slice(0, at);
  return { store: place === "layout" ? image : open(parsePlace(place)), digest };
}

/**
 * `docker run --mount` of a model from an image that the local Docker has under a name (design: "Mounted models"). Pure. Docker 28 mounts an
 * image once a container under one name (moby#50122): a second model wants another name.
 */
export function mountOf(model: string, root: string, image: string): string {
  return [
    ...["type=image", `source=${image}`, `target=${root}/${model}`],
    `image-subpath=${imagePath(root, model)}`,
  ].join(",");
}
