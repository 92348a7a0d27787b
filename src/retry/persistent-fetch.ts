import type { Clock } from "../ports/clock.ts";
import type { Fetch } from "../ports/fetch.ts";
import { isBusy, PassingError, retryAfter } from "./passing.ts";
import { type PersistPorts, persist } from "./persist.ts";

/** A Fetch that asks again when the connection breaks or the other side is busy. A streamed body can be sent once only: it passes through. */
export function persistentFetch(
  fetch: Fetch,
  ports: PersistPorts & { readonly clock: Pick<Clock, "now"> },
): Fetch {
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
