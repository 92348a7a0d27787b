import { UsageError } from "../errors.ts";
import { isLoopback } from "../images/loopback.ts";
import type { Reference } from "../images/reference.ts";
import type { Config, Credentials } from "./config.ts";
import type { Environment } from "./environment.ts";
import type { Read } from "./read.ts";

/** The workflow's own token opens ghcr.io; it is never sent to another registry. */
export function credentialsOf(
  read: Read,
  image: Reference,
  { actor = "token" }: Environment,
): Credentials | undefined {
  const username = read("registry-username");
  const password = read("registry-password");
  if (username !== "" && password === "")
    throw new UsageError("registry-password: registry-username was given without it.");
  if (password !== "") return { username: username || actor, password };
  const token = read("github-token");
  return token !== "" && image.kind === "registry" && image.registry === "ghcr.io"
    ? { username: actor, password: token }
    : undefined;
}

/** Where `huggingface` sources are, and the token for gated ones: the input, else HF_TOKEN. */
export function hubOf(token: string | undefined, environment: Environment): Config["hub"] {
  return {
    endpoint: hubEndpoint(environment),
    token: token || environment.hubToken,
  };
}

function hubEndpoint({ hubEndpoint: text }: Environment): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UsageError(`HF_ENDPOINT: "${text}" is not an address (https://…).`);
  if (url.protocol === "http:" && !isLoopback(url.hostname))
    throw new UsageError(
      `HF_ENDPOINT: "${text}" is plain HTTP, which is for loopback only; wanted https:`,
      { todo: "The hub's token would travel where everybody on the way can read it." },
    );
  return url;
}
