import type { Weight } from "../attest/assembly.ts";
import type { Lock, LockedModel } from "../models/lock.ts";
import type { PrepareResult } from "../results/stages.ts";
import type { ModelPart } from "../trivy/sbom.ts";

/** The models that lie in a final image, as its bill of materials has them. Pure. */
export function modelParts(
  { models }: Lock,
  delivery: PrepareResult["models"]["delivery"],
): readonly ModelPart[] {
  const isBaked = (model: LockedModel) =>
    delivery === "bake" || (delivery === "hybrid" && model.delivery === "bake");
  return models.filter(isBaked).map(({ name, license, source, files }) => ({
    ...{ name, license, files },
    ...("huggingface" in source
      ? {
          version: source.revision,
          purl: `pkg:huggingface/${source.huggingface}@${source.revision}`,
          source: `https://huggingface.co/${source.huggingface}/tree/${source.revision}`,
        }
      : {
          ...{ version: undefined, purl: undefined },
          source: source.url.startsWith("file:") ? undefined : source.url,
        }),
  }));
}

/** Every weight file of a lock, where it is from, and whether it lies in the image. Pure. */
export function weightsOf(
  { models }: Lock,
  delivery: PrepareResult["models"]["delivery"],
): readonly Weight[] {
  return models.flatMap(({ name, source, files, delivery: own }) =>
    files.map(({ path, sha256 }) => ({
      ...{ name: `${name}/${path}`, sha256, origin: originOf(source, path) },
      delivery: delivery === "hybrid" ? own : delivery,
    })),
  );
}

function originOf(source: LockedModel["source"], path: string): string | undefined {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  if ("huggingface" in source)
    return `https://huggingface.co/${source.huggingface}/resolve/${source.revision}/${encoded}`;
  return source.url.startsWith("file:")
    ? undefined
    : `${source.url.replace(/\/*$/, "/")}${encoded}`;
}
