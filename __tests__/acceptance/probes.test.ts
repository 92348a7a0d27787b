import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { negotiatedVersions, probeMultistream, probeQuic } from "../../src/acceptance/probes.ts";

const { signal } = new AbortController();
const negotiation = Buffer.concat([
  Buffer.from([0x80, 0, 0, 0, 0, 1, 0xaa, 2, 0xbb, 0xcc]),
  Buffer.from([0, 0, 0, 1, 0x6b, 0x33, 0x43, 0xcf]),
]);
const open: (Socket | Server)[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

describe("a QUIC server", () => {
  it.each<[string, Uint8Array, readonly string[] | undefined]>([
    ["names its versions", negotiation, ["0x00000001", "0x6b3343cf"]],
    ["is none that sends a short header", Buffer.from([0x40, 1, 2, 3, 4, 5, 6]), undefined],
    ["is none that sends a version", Buffer.from([0xc0, 0, 0, 0, 1, 0, 0, 9, 9]), undefined],
    ["is none that sends nothing behind its ids", negotiation.subarray(0, 10), undefined],
  ])("%s", (_, packet, versions) => expect(negotiatedVersions(packet)).toEqual(versions));

  it("is found by its answer to a version that nobody speaks", async () => {
    const server = createSocket("udp4");
    open.push(server);
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
    server.on("message", (packet, { port }) => {
      if (packet.length >= 1200) server.send(negotiation, port, "127.0.0.1");
    });
    expect(await probeQuic("127.0.0.1", server.address().port, signal)).toEqual([
      "0x00000001",
      "0x6b3343cf",
    ]);
  });

  it("is not there where nothing answers", async () => {
    const silent = createSocket("udp4");
    open.push(silent);
    silent.bind(0, "127.0.0.1");
    await once(silent, "listening");
    expect(await probeQuic("127.0.0.1", silent.address().port, signal)).toBeUndefined();
  });
});

describe("libp2p over TCP", () => {
  const serve = async (answer: string | undefined) => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      if (answer === undefined) socket.destroy();
      else socket.write(Buffer.from(answer, "latin1"));
    });
    open.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };

  it.each([
    ["answers with its own hello", "\x13/multistream/1.0.0\n", "/multistream/1.0.0"],
    ["is not what answers in HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", undefined],
    ["is not what hangs up", undefined, undefined],
  ])("%s", async (_, answer, expected) => {
    expect(await probeMultistream("127.0.0.1", await serve(answer), signal)).toBe(expected);
  });

  it("is not where nobody listens", async () => {
    const port = await serve("");
    for (const server of open.splice(0))
      await new Promise((done) => (server as Server).close(done));
    expect(await probeMultistream("127.0.0.1", port, signal)).toBeUndefined();
  });
});
