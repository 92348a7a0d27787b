import { z } from "zod";
import { UsageError } from "../errors.ts";
import { parseDocument } from "../results/shape.ts";
import { lockName, type ModelDelivery, type ModelSource } from "./lock.ts";
import { address, delivery, modelName, openSourceShape, root, title } from "./shapes.ts";

/** `models.json`, which a person writes. */
export interface Spec {
  readonly root: string;
  readonly models: readonly SpecModel[];
}

export interface SpecModel {
  readonly name: string;
  readonly title: string;
  readonly delivery: ModelDelivery;
  readonly license?: string | undefined;
  /** For a hub, the revision may be a branch or tag. */
  readonly source: ModelSource;
  readonly mirrors?: readonly string[] | undefined;
  /** Globs for a hub, plain paths under a `url`; absent: what the weights gate allows. */
  readonly files?: readonly SpecFiles[] | undefined;
}

export interface SpecFiles {
  readonly pattern: string;
  /** Why these files are wanted although the weights gate would refuse them. */
  readonly allow?: string | undefined;
}

const pattern = z.string().regex(/^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[^\p{Cc}\\]+$/u, {
  error: "wanted a path or glob below the model's folder",
});

const shape = z.strictObject({
  version: z.literal(1, { error: "wanted 1, the only version that this program knows" }),
  root: root.default("/models"),
  models: z
    .array(
      z.strictObject({
        name: modelName.refine((name) => name !== lockName, { error: "is the lock's own place" }),
        title: title.optional(),
        delivery: delivery.default("bake"),
        license: z.string().min(1).optional(),
        source: openSourceShape(
          z.string().regex(/^(?!.*\.\.)[\w./-]{1,255}$/, {
            error: "wanted a branch, a tag or a commit",
          }),
        ),
        files: z
          .array(
            z.union([
              pattern.transform((text) => ({ pattern: text, allow: undefined })),
              z
                .strictObject({ path: pattern, allow: z.string().min(1) })
                .transform(({ path, allow }) => ({ pattern: path, allow })),
            ]),
          )
          .min(1)
          .optional(),
        mirrors: z.array(address).optional(),
      }),
    )
    .min(1, { error: "wanted at least one model" }),
});

/** Reads a spec; a UsageError names the place of what is wrong, or gives the sentence of a source that was left open. */
export function parseSpec(text: string, where: string): Spec {
  const todo = "See the README, section on models.json.";
  const { root: top, models } = parseDocument(shape, text, where, todo);
  return {
    root: top,
    models: models.map((model, at) => {
      const { source } = model;
      if ("unset" in source)
        throw new UsageError(`${where}: models.${at}.source: ${model.name} has none yet.`, {
          todo: source.unset,
        });
      if (models.findIndex(({ name }) => name === model.name) !== at)
        throw new UsageError(`${where}: models.${at}.name: "${model.name}" is there twice.`);
      if ("url" in source && model.files === undefined)
        throw new UsageError(
          `${where}: models.${at}.files: a folder at an address cannot be listed; name its files.`,
        );
      return { ...model, source, title: model.title ?? model.name };
    }),
  };
}
