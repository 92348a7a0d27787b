import { once } from "node:events";
import { createServer as createHttp2 } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, expect, it, jest } from "@jest/globals";
import { connectGrpc, type NodeGrpc } from "../../src/acceptance/grpc.ts";

jest.setTimeout(20_000);

const protos = join("director", "proto");
const { env } = process;
const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  process.env = env;
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.on("connection", (socket) => sockets.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it.each<[string, (calls: NodeGrpc) => Promise<unknown>]>([
  ["a slot", (calls) => calls.generateSlot(1, "recipe", 120_000)],
  ["a round", (calls) => calls.propose(1, new Uint8Array(32), 120_000)],
  ["the health service", (calls) => calls.health("")],
  ["the reflection service", (calls) => calls.services()],
])("waiting for %s ends at once with its signal's reason", async (_, ask) => {
  const silent = await listen(createServer());
  const stop = new AbortController();
  const calls = await connectGrpc(silent, protos, { now: Date.now, signal: stop.signal });
  try {
    const reason = new Error("the check's time is over");
    setTimeout(() => stop.abort(reason), 200);
    const begun = Date.now();
    await expect(ask(calls)).rejects.toBe(reason);
    expect(Date.now() - begun).toBeLessThan(2_000);
    await expect(ask(calls)).rejects.toBe(reason);
  } finally {
    calls.close();
  }
});

it("a node on loopback is asked directly, whatever proxy the machine has", async () => {
  const server = createHttp2();
  server.on("stream", (stream) => {
    stream.respond(
      { ":status": 200, "content-type": "application/grpc" },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    // One message of the type HealthCheckResponse: status (field 1) is SERVING (1).
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
  });
  const node = await listen(server as unknown as Server);
  const { no_proxy: _, NO_PROXY: __, ...rest } = env;
  process.env = { ...rest, http_proxy: "http://127.0.0.1:1", grpc_proxy: "http://127.0.0.1:1" };
  const { signal } = new AbortController();
  const calls = await connectGrpc(node, protos, { now: Date.now, signal });
  try {
    expect(await calls.health("")).toBe("SERVING");
  } finally {
    calls.close();
  }
});
