import type { Digest } from "../images/digest.ts";
import { names } from "../images/names.ts";
import type { Lock } from "../models/lock.ts";
import { lockTag } from "../models/lock-text.ts";
import type { PrepareResult } from "../results/stages.ts";
import type { Assembling } from "./assemble-image.ts";
import { delivered } from "./delivery.ts";

interface Carrying {
  readonly delivery: PrepareResult["models"]["delivery"];
  /** Of the image, beside those that speak of the models. */
  readonly labels: Readonly<Record<string, string>>;
  /** The models image: its repository as a person writes it, and its index where it was written. */
  readonly image: { readonly repository: string; readonly digest: Digest | undefined };
}

/** What an image carries of a lock (undefined: it knows no models), and its labels (design: "The final image"). Pure. */
export function carried(
  lock: Lock | undefined,
  { delivery, labels, image }: Carrying,
): Pick<Assembling, "root" | "models" | "weights" | "lock" | "labels"> {
  if (lock === undefined)
    return { root: "/models", models: [], weights: [], lock: undefined, labels };
  const parts = delivered(lock, delivery);
  if (image.digest === undefined) return { ...parts, labels };
  const place = labelPlace(image.repository);
  const lowest =
    parts.models.length === 0
      ? {}
      : { [names.lowest.name]: `${place}:${lockTag(lock)}`, [names.lowest.digest]: image.digest };
  return {
    ...parts,
    labels: { ...labels, ...lowest, [names.models]: `${place}@${image.digest}` },
  };
}

/** A layout's folder differs from machine to machine and is no place to pull from: it is not written into the image. */
function labelPlace(repository: string): string {
  return repository.startsWith("oci:") ? "layout" : repository;
}
