import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { CommandError } from "../errors.ts";

/** Ports of a node; no other run on this machine takes them until they are given back. */
export interface HeldPorts {
  readonly ports: readonly number[];
  readonly giveBack: () => Promise<void>;
}

/** Ports that are free for TCP and UDP on every address, as many as are asked for, no two the same. */
export async function holdPorts(count: number): Promise<HeldPorts> {
  const promises: Promised[] = [];
  const giveBack = async () => {
    await Promise.all(promises.map(({ name }) => closed(name)));
  };
  try {
    for (let taken = 0; promises.length < count; ) {
      const one = await promise(randomInt(...range));
      if (one !== undefined) promises.push(one);
      else taken += 1;
      if (taken === mostTaken)
        throw new CommandError(`${taken} ports from ${range.join(" to ")} could not be had.`, {
          todo: "End what holds them, or let this process open more files (ulimit -n).",
        });
    }
  } catch (error) {
    await giveBack();
    throw error;
  }
  return { ports: promises.map(({ port }) => port), giveBack };
}

interface Promised {
  readonly port: number;
  readonly name: Server;
}

/** Below the ports that Linux gives to outgoing connections: one of those might be taken between the look and the start. */
const range = [12_000, 32_000] as const;
const mostTaken = 1_000;

/**
 * A port that is free and promised to nobody; undefined where it is another's. A node listens on it only a while
 * after this look, and not while it starts again, so the promise is a name that the kernel gives to one process of
 * the port's own network namespace, and takes back at that process's end: an abstract socket (unix(7)).
 */
async function promise(port: number): Promise<Promised | undefined> {
  const name = createServer((connection) => connection.destroy()).listen(nameOf(port));
  if (!(await listens(name))) return undefined;
  name.unref();
  if (await free(port)) return { port, name };
  await closed(name);
  return undefined;
}

/** As long as such a name may be: Node 20 fills a shorter one up with zeros, and Node 24 does not. */
function nameOf(port: number): string {
  return `\0director-image/port/${port}`.padEnd(108, "-");
}

async function free(port: number): Promise<boolean> {
  const server = createServer().listen(port, "0.0.0.0");
  const socket = createSocket("udp4").bind(port, "0.0.0.0");
  const is = await Promise.all([listens(server), listens(socket)]);
  await Promise.all([closed(server), closed(socket)]);
  return is.every(Boolean);
}

type Socket = Server | ReturnType<typeof createSocket>;

function listens(socket: Socket): Promise<boolean> {
  return once(socket, "listening").then(
    () => true,
    () => false,
  );
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.close(() => resolve()));
}
