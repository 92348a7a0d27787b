import { UsageError } from "../errors.ts";
import type { BuildOptions } from "./arguments.ts";
import type { Source } from "./dockerfile.ts";

/** The build argument by which a Dockerfile renews packages: empty in an ordinary build, the month in a refresh. */
const refreshArgument = "REFRESH";

/**
 * How a refresh is built although the cache is warm: bases are asked for again, the steps of the stage that is built are run again, and
 * `REFRESH` is set where the Dockerfile declares it (BuildKit would complain of an argument that nothing takes). A value of the caller's own
 * wins. Steps of other stages stay cached, whatever is asked for: BuildKit finds a stage by what it is made of, and renews nothing below one
 * that it has. Pure.
 */
export function refreshing(
  options: BuildOptions,
  { target, declared }: Pick<Source, "target" | "declared">,
  refresh: string | undefined,
): BuildOptions {
  if (refresh === undefined) return options;
  const { args, noCacheFilters } = options;
  // BuildKit knows a stage by its name alone.
  const built = target === undefined || /^\d+$/.test(target) ? [] : [target.toLowerCase()];
  const isTaken = declared?.args.includes(refreshArgument) === true;
  return {
    ...options,
    pull: true,
    args: isTaken ? { [refreshArgument]: refresh, ...args } : args,
    noCacheFilters: [...new Set([...noCacheFilters, ...built])],
  };
}

/** A UsageError for a stage that is to be built anew and is not there: BuildKit says nothing of it. */
export function refuseUnknownStages(
  { noCacheFilters }: Pick<BuildOptions, "noCacheFilters">,
  { declared }: Pick<Source, "declared">,
): void {
  if (declared === undefined) return;
  const unknown = noCacheFilters.find((name) => !declared.stages.includes(name.toLowerCase()));
  if (unknown === undefined) return;
  throw new UsageError(`no-cache-filters: the Dockerfile has no stage "${unknown}".`, {
    todo: `It has: ${declared.stages.join(", ") || "none with a name"}.`,
  });
}
