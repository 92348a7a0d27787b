import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

/** Ports that are free for TCP and UDP on every address, as many as are asked for, no two the same. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held: Held[] = [];
  try {
    while (held.length < count) {
      const one = await hold();
      if (one !== undefined) held.push(one);
    }
    return held.map(({ port }) => port);
  } finally {
    for (const { release } of held) await release();
  }
}

interface Held {
  readonly port: number;
  readonly release: () => Promise<void>;
}

/** Below the ports that Linux gives to outgoing connections: one of those might be taken between the look and the start. */
const range = [12_000, 32_000] as const;

/** Takes a port for both; undefined where it is another's. */
async function hold(): Promise<Held | undefined> {
  const port = randomInt(...range);
  const server = createServer().listen(port, "0.0.0.0");
  const socket = createSocket("udp4").bind(port, "0.0.0.0");
  const taken = await Promise.allSettled([once(server, "listening"), once(socket, "listening")]);
  const release = async () => {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  };
  if (taken.every(({ status }) => status === "fulfilled")) return { port, release };
  await release().catch(() => undefined);
  return undefined;
}
