import type { Reference } from "../images/reference.ts";
import type { Cache } from "../ports/cache.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exec } from "../ports/exec.ts";
import type { Fetch } from "../ports/fetch.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { Spawn } from "../ports/spawn.ts";
import type { Store } from "../ports/store.ts";
import type { ToolCache } from "../ports/tool-cache.ts";

/** All that a stage may touch of the world. */
export interface Ports {
  readonly exec: Exec;
  readonly spawn: Spawn;
  readonly fetch: Fetch;
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly tools: ToolCache;
  readonly cache: Cache;
  /** The environment of the programs that are started. */
  readonly env: Readonly<Record<string, string>>;
  readonly open: Open;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Folder of the action's own files: Dockerfile.director, director/, vortex/. */
  readonly home: string;
  /** Remembers a folder that must not outlive the run, or nothing: whoever cleans up after a killed run removes it. */
  readonly made: (folder: string) => void;
}

/** The store of a repository or of a layout's folder; another `fetch` counts its requests. */
export type Open = (
  place: Reference,
  more?: { readonly login?: Login | undefined; readonly fetch?: Fetch },
) => Store;

/** Credentials for one registry, and for no other. */
export interface Login {
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}
