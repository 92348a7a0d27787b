import type { Results } from "../results/stages.ts";
import { cell, code, table } from "./markdown.ts";

/** What a predicate type is called in a summary; others stand as they are. */
const names: readonly (readonly [RegExp, string])[] = [
  [/slsa\.dev\/provenance/, "provenance"],
  [/cyclonedx|spdx/, "bill of materials"],
  [/\/scan\/v1$/, "scan"],
  [/\/acceptance\/v1$/, "acceptance"],
];

/** What was signed and attached before the tags moved, or why nothing was; empty where the stage did not run. Pure. */
export function attestations({ promote }: Pick<Results, "promote">): string {
  if (promote?.unsigned !== undefined)
    return `### Attestations\n\nNot signed: ${cell(promote.unsigned)}.`;
  const rows = (promote?.attestations ?? []).map(({ predicateType, digest }) => [
    names.find(([pattern]) => pattern.test(predicateType))?.[1] ?? "",
    cell(predicateType),
    code(digest),
  ]);
  return rows.length === 0
    ? ""
    : `### Attestations\n\n${table(["What", "Predicate type", "Artifact"], rows)}`;
}
