import { isError, RemoteError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Fetch } from "../ports/fetch.ts";
import type { Log } from "../ports/log.ts";
import { attempts, isBusy, isPassing, PassingError, retryAfter, waitBefore } from "./retry.ts";

export interface PersistPorts {
  readonly clock: Clock;
  readonly log: Log;
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

async function beforeNext(
  attempt: number,
  error: unknown,
  { clock, log }: PersistPorts,
  signal: AbortSignal | undefined,
): Promise<void> {
  const message = isError(error) ? error.message : String(error);
  if (attempt > attempts)
    throw new RemoteError(`${message} Given up after ${attempts} attempts.`, { cause: error });
  const wait = waitBefore(attempt, error, clock.random());
  log.info(message);
  log.info(`Retry ${attempt}/${attempts} in ${Math.round(wait / 1000)}s...`);
  await clock.sleep(wait, signal);
}

/** A Fetch that asks again when the connection breaks or the other side is busy. A streamed body can be sent once only: it passes through. */
export function persistentFetch(fetch: Fetch, ports: PersistPorts): Fetch {
  return (request) => {
    if (typeof request.body === "object" && Symbol.asyncIterator in request.body)
      return fetch(request);
    const once = async () => {
      const response = await fetch(request);
      if (!isBusy(response.status)) return response;
      await response.discard();
      const wait = retryAfter(response.headers["retry-after"], ports.clock.now());
      const patience = wait === undefined ? "" : `, asks for ${Math.ceil(wait / 1000)}s`;
      throw new PassingError(
        `${request.method} ${request.url.origin}${request.url.pathname}: the other side is busy (HTTP ${response.status}${patience}).`,
        { wait },
      );
    };
    return persist(once, ports, { signal: request.signal });
  };
}
