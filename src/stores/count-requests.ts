import type { Fetch } from "../ports/fetch.ts";

/** A Fetch that counts what goes through it, for results that say how many requests a stage cost. */
export function countRequests(fetch: Fetch): {
  readonly fetch: Fetch;
  readonly requests: () => number;
} {
  let count = 0;
  return {
    fetch: (request) => {
      count += 1;
      return fetch(request);
    },
    requests: () => count,
  };
}
