import { isError, RemoteError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { attempts, isPassing, waitBefore } from "./passing.ts";

export interface PersistPorts {
  readonly clock: Pick<Clock, "sleep" | "random">;
  readonly log: Pick<Log, "info">;
}

/**
 * Does the work again while it fails for a passing reason, at most five times. `progress` is how far the work has come:
 * a try that came further than those before it begins the count anew.
 */
export async function persist<T>(
  work: () => Promise<T>,
  { clock, log }: PersistPorts,
  {
    signal,
    progress = () => 0,
  }: { signal?: AbortSignal | undefined; progress?: () => number } = {},
): Promise<T> {
  let attempt = 1;
  let reached = progress();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (!isPassing(error)) throw error;
      attempt = progress() > reached ? 2 : attempt + 1;
      reached = Math.max(reached, progress());
      await beforeNext(attempt, error, { clock, log }, signal);
    }
  }
}

/** Waits before the attempt with this number, and says so; throws a RemoteError when there have been enough. `what` is named where the error does not. */
export async function beforeNext(
  attempt: number,
  error: unknown,
  { clock, log }: PersistPorts,
  signal: AbortSignal | undefined,
  what = "",
): Promise<void> {
  const said = isError(error) ? error.message : String(error);
  if (attempt > attempts) {
    const message = what === "" || said.startsWith(what) ? said : `${what}: ${said}`;
    throw new RemoteError(`${message} Given up after ${attempts} attempts.`, { cause: error });
  }
  const wait = waitBefore(attempt, error, clock.random());
  log.info(said);
  log.info(`Retry ${attempt}/${attempts} in ${Math.round(wait / 1000)}s...`);
  await clock.sleep(wait, signal);
}
