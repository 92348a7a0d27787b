import { z } from "zod";
import { names } from "../images/names.ts";
import { type FileVerdict, rulesVersion } from "./gate/gate.ts";
import type { PlannedLayer } from "./pack.ts";

/** What the gate said of a layer whose files all passed: what its descriptor in the models image says. */
export interface LayerVerdict {
  /** The rules' version. */
  readonly rules: number;
  /** Files that are refused but for their lock's word, as `<name>/<path>`, sorted. */
  readonly allowed: readonly string[];
}

/** The verdict on a layer by those on its files. */
export function layerVerdict(files: readonly FileVerdict[]): LayerVerdict {
  const allowed = files.filter(({ rule }) => rule !== undefined).map(({ file }) => file);
  return { rules: rulesVersion, allowed: allowed.sort() };
}

/** Whether nothing need be read again: the present rules decided, and what passed by its lock's word has this lock's word as well. */
export function isCurrent(
  { rules, allowed }: LayerVerdict,
  { files }: Pick<PlannedLayer, "files">,
): boolean {
  const mayPass = new Set(files.flatMap(({ id, file }) => (file.allow === undefined ? [] : [id])));
  return rules === rulesVersion && allowed.every((id) => mayPass.has(id));
}

/** The annotation of a layer's descriptor. */
export function verdictText({ rules, allowed }: LayerVerdict): string {
  return JSON.stringify({
    verdict: "passed",
    rules,
    ...(allowed.length === 0 ? {} : { allowed }),
  });
}

export function verdictAnnotation(verdict: LayerVerdict): Readonly<Record<string, string>> {
  return { [names.gate]: verdictText(verdict) };
}

const shape = z.looseObject({
  verdict: z.literal("passed"),
  rules: z.int(),
  allowed: z.array(z.string()).default([]),
});

/** The verdict of such a text; undefined where it is none. */
export function parseVerdict(text: string | undefined): LayerVerdict | undefined {
  if (text === undefined) return undefined;
  try {
    const { rules, allowed } = shape.parse(JSON.parse(text));
    return { rules, allowed };
  } catch {
    return undefined;
  }
}
