import type { Reference } from "../images/reference.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exec } from "../ports/exec.ts";
import type { Fetch } from "../ports/fetch.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { ToolCache } from "../ports/tool-cache.ts";

/** All that a stage may touch of the world. */
export interface Ports {
  readonly exec: Exec;
  readonly fetch: Fetch;
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly tools: ToolCache;
  /** The store of a repository or of a layout's folder. */
  readonly open: (place: Reference) => Store;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}
