import type { Docker } from "../../src/buildx/docker.ts";
import { clock } from "../../src/host/clock.ts";
import { exec } from "../../src/host/exec.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { files } from "../../src/host/files.ts";
import { parsePlace } from "../../src/images/reference.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Store } from "../../src/ports/store.ts";
import { openStore } from "../../src/stores/open.ts";
import type { RegistryOptions } from "../../src/stores/registry/registry-store.ts";
import { service } from "../fakes/service.ts";

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

export function docker(more: Readonly<Record<string, string>> = {}): Docker {
  return { exec, env: { ...environment(), DOCKER_HOST: service("DOCKER_HOST"), ...more } };
}

/** A log that keeps what it is told. */
export interface Recorder extends Log {
  readonly lines: string[];
  readonly masked: string[];
}

export function recorder(): Recorder {
  const lines: string[] = [];
  const masked: string[] = [];
  return {
    lines,
    masked,
    debug: () => undefined,
    info: (message) => lines.push(message),
    warning: (message) => lines.push(message),
    mask: (secret) => masked.push(secret),
    group: (title, work) => {
      lines.push(title);
      return work();
    },
    progress: () => ({ update: () => undefined, end: () => undefined }),
  };
}

/** Opens a repository of a loopback registry, or a layout. */
export function storeAt(place: string, given?: RegistryOptions["login"]): Store {
  const ports = { fetch: httpFetch(), files, clock, log: recorder(), exec };
  return openStore(parsePlace(place), given === undefined ? {} : { login: given }, ports);
}
