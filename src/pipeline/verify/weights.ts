import { isDeepStrictEqual } from "node:util";
import { short } from "../../images/digest.ts";
import { filesOf } from "../../models/lock.ts";
import { lockFileDigest } from "../../models/lock-text.ts";
import { bakedLayers } from "../../models/plan.ts";
import type { FinalPlatform } from "./final-image.ts";
import type { Assembly } from "./statement.ts";

/**
 * Why a platform's weights are not those that its lock and the statement of the assembly name; undefined where they are. Pure: a
 * layer's bytes are its digest's, which whoever pulls them checks; which files are in a layer, `models verify` reads.
 */
export function weightsProblem(
  { layers, lock, modelsImage }: FinalPlatform,
  said: Assembly,
): string | undefined {
  if (layers === undefined) return "its layers cannot be told apart";
  if (lock === undefined)
    return said.files.length === 0 && layers.below.length === 0 && layers.top === undefined
      ? undefined
      : "no models lock travels in it, although it carries weights";
  if (layers.top !== layers.lockLayer)
    return `its last layer ${layers.top ?? ""} holds something else than the models lock alone`;
  const label = modelsImage?.split("@")[1];
  if (said.models !== label)
    return `its label names the models image ${label ?? "nowhere"}, the assembly ${said.models ?? "none"}`;
  const text = lockFileDigest(lock);
  return (
    filesProblem(lock, said) ??
    (said.lock === text
      ? undefined
      : `its models lock is ${text}, the assembly's ${said.lock ?? "none"}`) ??
    layersProblem(layers.below, lock, said)
  );
}

type Lock = NonNullable<FinalPlatform["lock"]>;

/** Every file of the lock and its hash, in both. */
function filesProblem(lock: Lock, { files }: Assembly): string | undefined {
  const locked = new Map(filesOf(lock.models).map(({ id, file }) => [id, file.sha256]));
  const named = new Map(files.map(({ file, sha256 }) => [file, sha256]));
  const other = [...named].find(([file, sha256]) => locked.get(file) !== sha256);
  if (other !== undefined)
    return `${other[0]}: the assembly was of sha256 ${other[1]}, the lock in the image says ${locked.get(other[0]) ?? "nothing of it"}`;
  const more = [...locked.keys()].find((file) => !named.has(file));
  return more === undefined
    ? undefined
    : `${more}: the lock in the image names it, the assembly does not`;
}

function layersProblem(
  below: readonly `sha256:${string}`[],
  lock: Lock,
  { delivery }: Assembly,
): string | undefined {
  const wanted = bakedLayers(lock, delivery ?? "hybrid").map(({ digest }) => digest);
  if (isDeepStrictEqual(below, wanted)) return undefined;
  const foreign = below.find((digest) => !wanted.includes(digest));
  if (foreign !== undefined) return `its model layer ${foreign} is not one of the lock's`;
  const lost = wanted.find((digest) => !below.includes(digest));
  return lost === undefined
    ? "its model layers are not in the lock's order"
    : `the lock's model layer ${short(lost)} is not in it`;
}
