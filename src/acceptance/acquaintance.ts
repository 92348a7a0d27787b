import { askHealth, describe, type Health } from "./health.ts";
import type { World } from "./world.ts";

/** The topics that every Director is subscribed to. */
const topics = ["nsn/bft", "nsn/departure", "nsn/recipes"];

/** Waits until the two nodes know each other by name and topics, so many seconds; what is missing then. */
export async function awaitAcquaintance(seconds: number, world: World): Promise<readonly string[]> {
  const { nodes, clock, signal } = world;
  const second = await nodes.second();
  for (const until = clock.now() + seconds * 1000; ; ) {
    const [here, there] = [await askHealth(nodes.main, world), await askHealth(second, world)];
    const missing = strangeness(here, there);
    if (missing.length === 0 || clock.now() >= until) return missing;
    await clock.sleep(200, signal);
  }
}

/** What two nodes do not know of each other, by their answers of /health: each lists its peers, and what those told it. Pure. */
export function strangeness(here: Health | string, there: Health | string): readonly string[] {
  return [
    ...unknownTo(["the second node", there], ["the node", here]),
    ...unknownTo(["the node", here], ["the second node", there]),
  ];
}

type Named = readonly [name: string, health: Health | string];

function unknownTo([asked, answer]: Named, [name, health]: Named): readonly string[] {
  const id = typeof health === "string" ? undefined : health.body?.peer_id;
  if (id === undefined) return [`${name} does not name its peer id (${describe(health)})`];
  const peers = typeof answer === "string" ? undefined : answer.body?.peers;
  if (peers === undefined) return [`${asked} does not name its peers (${describe(answer)})`];
  const told = peers[id];
  if (told === undefined) return [`${asked} does not count ${name} (${id}) among its peers`];
  const missing = topics.filter((topic) => !told.includes(topic));
  return missing.length === 0
    ? []
    : [`${name} has not told ${asked} that it is subscribed to ${missing.join(", ")}`];
}
