import type { Reference } from "../images/reference.ts";

/** Whether a registry can take blobs of one place into the other without a copy: two repositories of its own. */
export function canMount(from: Reference, to: Reference): boolean {
  return from.kind === "registry" && to.kind === "registry" && from.registry === to.registry;
}
