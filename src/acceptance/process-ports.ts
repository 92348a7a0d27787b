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

/** Takes a port for both; undefined where the one that TCP gave is another's for UDP. */
async function hold(): Promise<Held | undefined> {
  const server = createServer().listen(0, "0.0.0.0");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const socket = createSocket("udp4");
  const release = async () => {
    socket.close();
    server.close();
    await once(server, "close");
  };
  try {
    socket.bind(port, "0.0.0.0");
    await once(socket, "listening");
    return { port, release };
  } catch {
    await release();
    return undefined;
  }
}
