import type { Clock } from "../ports/clock.ts";
import type { Fetch } from "../ports/fetch.ts";

/** How long requests that are made after the stop may take, all of them together: they put things in order. Milliseconds. */
const grace = 5_000;

/**
 * A run that is told to stop lets go of the requests that are under way, whoever made them: a registry that is silent must not hold it. What
 * is asked for afterwards is cleaning up (an upload taken back, tags put back) and has a few seconds.
 */
export function stoppableFetch(fetch: Fetch, stop: AbortSignal): Fetch {
  const late = new AbortController();
  stop.addEventListener("abort", () => {
    setTimeout(() => late.abort(stop.reason), grace).unref();
  });
  return (request) => {
    const signals = [stop.aborted ? late.signal : stop, request.signal];
    return fetch({
      ...request,
      signal: AbortSignal.any(signals.filter((signal) => signal !== undefined)),
    });
  };
}

/** A clock on which nobody goes on sleeping, or begins to, once the run is told to stop. */
export function stoppableClock(clock: Clock, stop: AbortSignal): Clock {
  return {
    ...clock,
    sleep: (milliseconds, signal) =>
      clock.sleep(milliseconds, signal === undefined ? stop : AbortSignal.any([stop, signal])),
  };
}
