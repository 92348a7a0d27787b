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
