import type { Config } from "../config/config.ts";
import { openStore, type StorePorts } from "../stores/open.ts";
import type { RegistryOptions } from "../stores/registry/registry-store.ts";
import type { Login, Open } from "./ports.ts";

/** Opens stores with the log-ins of Docker's configuration, or with the one that is given. */
export function opener(options: Omit<RegistryOptions, "login">, ports: StorePorts): Open {
  return (place, { login, fetch = ports.fetch } = {}) =>
    openStore(place, login === undefined ? options : { ...options, login }, { ...ports, fetch });
}

/** The inputs' credentials, for the image's registry. */
export function loginOf({
  image,
  registry,
}: Pick<Config, "image" | "registry">): Login | undefined {
  return registry === undefined || image.kind === "layout"
    ? undefined
    : { registry: image.registry, ...registry };
}
