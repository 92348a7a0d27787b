import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { probeMultistream, probeQuic } from "../../src/acceptance/probes.ts";
import { exec } from "../../src/host/exec.ts";

const never = new AbortController().signal;
const open: (Socket | Server)[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function datagrams(
  answer: (tries: number) => Uint8Array | undefined,
  port = 0,
): Promise<number> {
  const server = createSocket("udp4");
  open.push(server);
  let tries = 0;
  server.on("message", (_, { port }) => {
    tries += 1;
    const packet = answer(tries);
    if (packet !== undefined) server.send(packet, port, "127.0.0.1");
  });
  server.bind(port, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
}

async function streams(...pieces: readonly string[]): Promise<number> {
  const server = createServer(async (socket) => {
    socket.on("error", () => undefined);
    for (const piece of pieces) {
      socket.write(Buffer.from(piece, "latin1"));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  open.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const negotiation = Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

describe("a probe for QUIC", () => {
  it("asks a silent port for about three seconds, and lets the program end then", async () => {
    const module = join(import.meta.dirname, "../../src/acceptance/probes.ts");
    const port = await datagrams(() => undefined);
    const program = `import { probeQuic } from ${JSON.stringify(module)};
      const begun = Date.now();
      const found = await probeQuic("127.0.0.1", ${port}, new AbortController().signal);
      console.log(JSON.stringify([found ?? null, Date.now() - begun]));`;
    const node = join(import.meta.dirname, "../../node_modules/.bin/node");
    const { stdout } = await exec(node, ["--input-type=module", "--eval", program], {
      ...{ env: {}, signal: AbortSignal.timeout(20_000) },
    });
    const [found, milliseconds] = JSON.parse(stdout) as [unknown, number];
    expect(found).toBeNull();
    expect(milliseconds).toBeGreaterThan(2_500);
    expect(milliseconds).toBeLessThan(6_000);
  });

  it("asks again when a datagram is lost, and passes over what is no answer", async () => {
    const port = await datagrams((tries) =>
      tries === 1 ? Buffer.from("what?") : tries === 3 ? negotiation : undefined,
    );
    expect(await probeQuic("127.0.0.1", port, never)).toEqual(["0x00000001"]);
  });

  it("ends when it is stopped", async () => {
    const stop = AbortSignal.timeout(100);
    const port = await datagrams(() => undefined);
    await expect(probeQuic("127.0.0.1", port, stop)).rejects.toMatchObject({
      name: "TimeoutError",
    });
  });
});

it.each([
  ["QUIC", (port: number, signal: AbortSignal) => probeQuic("127.0.0.1", port, signal)],
  ["libp2p", (port: number, signal: AbortSignal) => probeMultistream("127.0.0.1", port, signal)],
])("a probe for %s that was stopped before it began asks nobody", async (_, probe) => {
  let asked = 0;
  // First for TCP: a number that is free for UDP may be that of a connection which has just ended.
  const tcp = createServer(() => {
    asked += 1;
  }).listen(0, "127.0.0.1");
  open.push(tcp);
  await once(tcp, "listening");
  const { port } = tcp.address() as AddressInfo;
  await datagrams(() => {
    asked += 1;
    return undefined;
  }, port);
  const begun = Date.now();
  await probe(port, AbortSignal.abort(new Error("stopped"))).catch(() => undefined);
  expect(Date.now() - begun).toBeLessThan(100);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(asked).toBe(0);
});

describe("a probe for libp2p over TCP", () => {
  it("waits three seconds for a server that says nothing", async () => {
    const begun = Date.now();
    expect(await probeMultistream("127.0.0.1", await streams(), never)).toBeUndefined();
    expect(Date.now() - begun).toBeGreaterThan(2_500);
  });

  it("puts an answer together that comes in pieces, with more behind it", async () => {
    const port = await streams("\x13/multi", "stream/1.0.0\n\x07/noise\n");
    expect(await probeMultistream("127.0.0.1", port, never)).toBe("/multistream/1.0.0");
  });

  it("ends when it is stopped", async () => {
    const begun = Date.now();
    const port = await streams();
    expect(await probeMultistream("127.0.0.1", port, AbortSignal.timeout(100))).toBeUndefined();
    expect(Date.now() - begun).toBeLessThan(2_000);
  });
});
