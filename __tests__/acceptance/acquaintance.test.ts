import { expect, it } from "@jest/globals";
import { strangeness } from "../../src/acceptance/acquaintance.ts";
import type { HealthBody } from "../../src/acceptance/health.ts";

const topics = ["nsn/recipes", "nsn/departure", "nsn/bft"];
const says = (more: Partial<HealthBody>) => ({
  ...{ status: 200, body: { status: "healthy", checks: {}, version: "1", ...more } },
});
const here = says({ peer_id: "A", peers: { B: topics } });
const there = says({ peer_id: "B", peers: { A: topics, C: [] } });

it("nodes that name each other with all topics are acquainted", () => {
  expect(strangeness(here, there)).toEqual([]);
});

it.each<[string, Parameters<typeof strangeness>, readonly string[]]>([
  [
    "has no id",
    [says({ peers: { B: topics } }), there],
    ["the node does not name its peer id (/health answers 200)"],
  ],
  [
    "lists no peers",
    [says({ peer_id: "A" }), there],
    ["the node does not name its peers (/health answers 200)"],
  ],
  [
    "counts somebody else",
    [says({ peer_id: "A", peers: { C: topics } }), there],
    ["the node does not count the second node (B) among its peers"],
  ],
  [
    "is not subscribed to all",
    [here, says({ peer_id: "B", peers: { A: ["nsn/bft"] } })],
    ["the node has not told the second node that it is subscribed to nsn/departure, nsn/recipes"],
  ],
  [
    "is one with the other",
    [here, says({ peer_id: "A", peers: { B: topics } })],
    [
      "the second node does not count the node (A) among its peers",
      "the node does not count the second node (A) among its peers",
    ],
  ],
  [
    "does not answer",
    [here, "connection refused"],
    [
      "the second node does not name its peers (connection refused)",
      "the second node does not name its peer id (connection refused)",
    ],
  ],
])("a node that %s is a stranger", (_, answers, missing) =>
  expect([...strangeness(...answers)].toSorted()).toEqual([...missing].toSorted()),
);
