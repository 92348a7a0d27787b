import type { Reference } from "../images/reference.ts";
import type { Files } from "../ports/files.ts";
import type { Store } from "../ports/store.ts";
import { layoutStore } from "./layout/layout-store.ts";
import {
  type RegistryOptions,
  type RegistryPorts,
  registryStore,
} from "./registry/registry-store.ts";

export interface StorePorts extends RegistryPorts {
  readonly files: Files;
}

/** The store that a reference lies in; its tag and digest do not matter. Nothing is asked or written before the first call. */
export function openStore(
  reference: Reference,
  options: RegistryOptions,
  ports: StorePorts,
): Store {
  return reference.kind === "layout"
    ? layoutStore(reference.folder, ports)
    : registryStore(reference, options, ports);
}
