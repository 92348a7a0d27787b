import { homedir } from "node:os";
import { join } from "node:path";
import { readEnvironment } from "../config/environment.ts";
import { clock as hostClock } from "../host/clock.ts";
import { exec } from "../host/exec.ts";
import { httpFetch } from "../host/fetch.ts";
import { files } from "../host/files.ts";
import { spawn } from "../host/spawn.ts";
import { stoppableClock, stoppableFetch } from "../host/stoppable.ts";
import { definedVariables } from "../host/variables.ts";
import { opener } from "../pipeline/open.ts";
import { folderCache } from "../terminal/cache.ts";
import { terminalLog } from "../terminal/log.ts";
import { folderToolCache } from "../terminal/tool-cache.ts";
import type { Context } from "./command.ts";
import type { Common } from "./program.ts";

/** The command line's surroundings: this machine, its terminal, and what its variables say. */
export function terminalContext(
  variables: NodeJS.ProcessEnv,
  signal: AbortSignal,
  home: string,
  { quiet, verbose, plainHttp }: Common,
): Context {
  const environment = readEnvironment(variables, process.cwd());
  const clock = stoppableClock(hostClock, signal);
  const log = terminalLog({ clock, quiet, verbose });
  const fetch = stoppableFetch(httpFetch(environment.network), signal);
  const ports = { exec, spawn, fetch, files, clock, log, signal };
  const user = variables["HOME"] || homedir();
  const dockerConfig = variables["DOCKER_CONFIG"] || join(user, ".docker");
  const kept = join(variables["XDG_CACHE_HOME"] || join(user, ".cache"), "director-image");
  return {
    environment,
    ports: {
      ...ports,
      tools: folderToolCache(join(kept, "tools")),
      cache: folderCache(kept),
      env: definedVariables(variables),
      open: opener({ dockerConfig, plainHttp }, ports),
      home,
      made: () => undefined,
    },
  };
}
