import { credentialsOf } from "../config/access.ts";
import type { Environment } from "../config/environment.ts";
import type { Reference } from "../images/reference.ts";
import { loginOf } from "../pipeline/open.ts";
import type { Open, Ports } from "../pipeline/ports.ts";
import type { Given } from "./command.ts";

/** Inputs of every command that talks to a registry. */
export const loginInputs = ["registry-username", "registry-password"] as const;

/** Opens stores with the log-in that was given for the registry of `place`; no other registry is sent it. */
export function openWith(
  place: Reference,
  given: Given,
  { open }: Pick<Ports, "open">,
  environment: Environment,
): Open {
  const read = (name: string) => given.value(name)?.trim() ?? "";
  const login = loginOf({ image: place, registry: credentialsOf(read, place, environment) });
  return (reference, more) => open(reference, { login, ...more });
}
