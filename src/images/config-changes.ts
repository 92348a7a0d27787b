import { isDeepStrictEqual } from "node:util";
import type { ImageConfig } from "./assemble.ts";
import { names } from "./names.ts";

/** A setting of an image that is another one, as text; `undefined`: it is not set. */
export interface FieldChange {
  /** As the OCI specification calls it, such as `Entrypoint`, `User`; `Env NAME`, `ExposedPorts 9000/udp`, `Labels NAME`. */
  readonly field: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** Labels that name other images: what they changed is told by base, layers and models. */
const toldElsewhere: ReadonlySet<string> = new Set([
  ...[names.base.name, names.base.digest, names.lowest.name, names.lowest.digest, names.models],
]);

/** What a container is started with, where it changed (OCI image specification, config.md). Pure. */
export function fieldChanges(old: ImageConfig, now: ImageConfig): readonly FieldChange[] {
  const [before, after] = [settingsOf(old), settingsOf(now)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((field) => !isDeepStrictEqual(before.get(field), after.get(field)))
    .map((field) => ({ field, from: before.get(field), to: after.get(field) }));
}

/** Every setting by its name; lists of names one by one. */
function settingsOf(image: ImageConfig): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(image.config ?? {}).flatMap(([field, value]) =>
      value === null || value === undefined ? [] : named(field, value),
    ),
  );
}

function named(field: string, value: unknown): readonly (readonly [string, string])[] {
  if (field === "Env") return variables(value);
  if (field === "ExposedPorts" || field === "Volumes")
    return Object.keys(value as object).map((name) => [`${field} ${name}`, "set"] as const);
  if (field === "Labels")
    return Object.entries(value as object)
      .filter(([name]) => !toldElsewhere.has(name))
      .map(([name, text]) => [`Labels ${name}`, String(text)] as const);
  return [[field, typeof value === "string" ? value : JSON.stringify(value)]];
}

function variables(value: unknown): readonly (readonly [string, string])[] {
  if (!Array.isArray(value)) return [];
  return value.map(String).map((line) => {
    const at = line.indexOf("=");
    return at === -1
      ? ([`Env ${line}`, ""] as const)
      : ([`Env ${line.slice(0, at)}`, line.slice(at + 1)] as const);
  });
}
