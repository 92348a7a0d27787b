import type { Broken } from "./row.ts";

/** Programs that do not end as they should, or do not come back. */
export const ends: readonly Broken[] = [
  {
    name: "ignores-sigterm",
    what: "goes on after SIGTERM",
    fails: { shutdown: /^it still runs 5 s after SIGTERM$/ },
    inputs: ["--shutdown-timeout", "5s"],
  },
  {
    name: "no-handler",
    what: "does not handle SIGTERM",
    fails: { shutdown: /^SIGTERM ended it as it ends a program that does not handle it; / },
  },
  {
    name: "dies-at-second",
    what: "is in order until a second SIGTERM comes",
    fails: { shutdown: /^a second SIGTERM cut its end short; / },
  },
  {
    name: "exit-1",
    what: "ends with exit code 1",
    fails: {
      shutdown:
        /^it ended with exit code 1; with nothing in flight: .* code 1; told to stop during its start: .* code 1$/,
    },
  },
  {
    name: "no-departure",
    what: "goes without a word to its peers",
    fails: {
      shutdown: /^the second node was not told of its departure$/,
    },
  },
  {
    name: "cuts-calls",
    what: "cuts off the calls in flight",
    fails: { shutdown: /^\d+ of the gRPC calls in flight were cut off: UNAVAILABLE: / },
  },
  {
    name: "metrics-gone",
    what: "has no metrics while it drains",
    fails: { shutdown: /^its metrics were gone before the drain ended: \/metrics answers 500$/ },
  },
  {
    name: "deaf-sidecar",
    what: "has a sidecar that must be killed",
    fails: { shutdown: /^the sidecar was not ended by its own handler of SIGTERM \(signal: 9 / },
  },
  {
    name: "loses-flush",
    what: "does not say its last metrics",
    fails: { shutdown: /^the log has 0 lines "Metrics flushed: \{json\}", one is wanted$/ },
  },
  {
    name: "leaves-child",
    what: "leaves a process running",
    fails: { shutdown: /^it has left sleep \(\d+\) running$/ },
  },
  {
    name: "new-identity",
    what: "is another peer after every start",
    fails: { restart: /^it was \S+, and is \S+ now$/ },
  },
];
