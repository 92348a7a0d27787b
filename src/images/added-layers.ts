import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";

/** OCI image specification, config.md, "history". */
export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
  readonly [unknown: string]: unknown;
}

const comment = "director-image";

/** How the history of a final image names a layer that the runtime did not bring: a model layer, or the lock's own. */
export function addedEntry(what: string): HistoryEntry {
  return { created: "1970-01-01T00:00:00Z", created_by: `director-image: ${what}`, comment };
}

export function isAdded(entry: HistoryEntry | undefined): boolean {
  return entry?.comment === comment;
}

/** The part of a final image that is the runtime's, and what lies around it. */
export interface RuntimePart {
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly Digest[];
  /** Model layers, lowest first. */
  readonly below: readonly Descriptor[];
  /** The lock's own layer, or nothing. */
  readonly above: readonly Descriptor[];
}

/**
 * A final image without the model layers at its bottom and the lock's layer on top, by its history; a compressed layer is never
 * one of those. Undefined if layers, diff_ids and history do not count up, as they do in every image that was assembled.
 */
export function runtimePart(
  layers: readonly Descriptor[],
  config: {
    readonly rootfs: { readonly diff_ids: readonly Digest[] };
    readonly history?: readonly HistoryEntry[];
  },
): RuntimePart | undefined {
  const { diff_ids: diffIds } = config.rootfs;
  const history = (config.history ?? []).filter(({ empty_layer }) => empty_layer !== true);
  if (layers.length !== diffIds.length || layers.length !== history.length) return undefined;
  const isOurs = (at: number) => isAdded(history[at]) && layers[at]?.digest === diffIds[at];
  const end = isOurs(layers.length - 1) ? layers.length - 1 : layers.length;
  let start = 0;
  while (start < end && isOurs(start)) start += 1;
  return {
    layers: layers.slice(start, end),
    diffIds: diffIds.slice(start, end),
    below: layers.slice(0, start),
    above: layers.slice(end),
  };
}
