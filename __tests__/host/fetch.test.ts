import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { RemoteError } from "../../src/errors.ts";
import { exec } from "../../src/host/exec.ts";
import { httpFetch } from "../../src/host/fetch.ts";

// Real programs on a machine that may be busy with other tests.
jest.setTimeout(60_000);

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const serve = async (handler: RequestListener) => await listening(createServer(handler));
const get = (port: number, path = "/") =>
  ({ method: "GET", url: new URL(`http://127.0.0.1:${port}${path}`) }) as const;

/** A proxy that leads every tunnel and every request to one port, and notes whither they wanted. */
async function proxyTo(port: number) {
  const wanted: string[] = [];
  const server = createServer((request, response) => {
    wanted.push(`${request.method} ${request.url}`);
    response.end("forwarded");
  });
  server.on("connect", (request, socket) => {
    wanted.push(`CONNECT ${request.url}`);
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  return { url: `http://127.0.0.1:${await listening(server)}`, wanted };
}

/** A server with a certificate for registry.example and localhost that only its own file vouches for. */
async function tlsServer() {
  const folder = await mkdtemp(join(tmpdir(), "tls-"));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const names = "subjectAltName=DNS:registry.example,DNS:localhost";
  const request = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
  ];
  const subject = ["-subj", "/CN=registry.example", "-days", "2", "-addext", names];
  const { code } = await exec("openssl", [...request, ...subject, "-keyout", key, "-out", cert]);
  expect(code).toBe(0);
  const pair = { key: await readFile(key), cert: await readFile(cert) };
  const server = createTlsServer(pair, (_, response) => response.end("over TLS"));
  return { port: await listening(server), extraCertificates: cert };
}

describe("A request", () => {
  it("carries a stream with its length, and gives the answer as a stream", async () => {
    let received = 0;
    const port = await serve((request, response) => {
      request.on("data", (piece) => {
        received += piece.length;
      });
      request.on("end", () => response.end(`length ${request.headers["content-length"]}`));
    });
    async function* body() {
      for (let at = 0; at < 10; at += 1) yield Buffer.alloc(100_000);
    }
    const headers = { "content-length": "1000000" };
    const response = await httpFetch()({ ...get(port), method: "PATCH", headers, body: body() });
    expect(await response.text()).toBe("length 1000000");
    expect(received).toBe(1_000_000);
  });

  it("keeps the connection for the next one, also after a HEAD", async () => {
    const sockets = new Set<number | undefined>();
    const port = await serve((request, response) => {
      sockets.add(request.socket.remotePort);
      response.writeHead(200, { "content-length": 5 });
      response.end(request.method === "HEAD" ? undefined : "hello");
    });
    const fetch = httpFetch();
    for (const method of ["HEAD", "GET", "HEAD", "GET", "HEAD", "GET"] as const) {
      const response = await fetch({ ...get(port), method });
      await response.discard();
    }
    expect(sockets.size).toBeLessThanOrEqual(2);
  });

  it("does not follow a redirect", async () => {
    const port = await serve((_, response) => response.writeHead(307, { location: "/x" }).end());
    const response = await httpFetch()(get(port));
    await response.discard();
    expect([response.status, response.headers["location"]]).toEqual([307, "/x"]);
  });

  it("throws what its own body throws", async () => {
    const port = await serve((request) => request.resume());
    async function* body() {
      yield Buffer.alloc(10);
      throw new TypeError("the source is broken");
    }
    const request = { ...get(port), method: "PUT", body: body() } as const;
    await expect(httpFetch()(request)).rejects.toThrow("the source is broken");
  });

  it("throws its signal's reason, before and while the answer comes", async () => {
    const port = await serve((_, response) => {
      response.write("first");
    });
    const stop = new AbortController();
    const response = await httpFetch()({ ...get(port), signal: stop.signal });
    const read = async () => {
      for await (const _ of response.body) stop.abort(new Error("told to stop"));
    };
    await expect(read()).rejects.toThrow("told to stop");
    const again = httpFetch()({ ...get(port), signal: stop.signal });
    await expect(again).rejects.toThrow("told to stop");
  });

  it("waits for a slow body of its own, however long that takes", async () => {
    const port = await serve((request, response) => {
      request.resume();
      request.on("end", () => response.end("done"));
    });
    async function* body() {
      yield Buffer.alloc(10);
      await new Promise((resolve) => setTimeout(resolve, 2500));
      yield Buffer.alloc(10);
    }
    const request = { ...get(port), method: "PUT", body: body(), idleTimeout: 500 } as const;
    expect(await (await httpFetch()(request)).text()).toBe("done");
  });

  it.each<[string, RequestListener]>([
    ["did not answer in time", (request) => request.resume()],
    ["fell silent", (_, response) => response.write("first")],
    ["the connection broke", (request) => request.socket.destroy()],
  ])("says that the other side %s", async (said, handler) => {
    const port = await serve(handler);
    const text = async () => {
      const response = await httpFetch()({ ...get(port, "/v2/?secret=1"), idleTimeout: 500 });
      for await (const _ of response.body);
    };
    await expect(text()).rejects.toThrow(RemoteError);
    await expect(text()).rejects.toThrow(said);
    await expect(text()).rejects.not.toThrow("secret");
  });

  it("says that nobody answers", async () => {
    await expect(httpFetch()(get(1))).rejects.toThrow(
      "GET http://127.0.0.1:1/: nobody answers there (connection refused).",
    );
  });
});

describe("The network's settings", () => {
  it("lead requests through the proxy, but not those to loopback or to exceptions", async () => {
    const own = await serve((_, response) => response.end("direct"));
    const proxy = await proxyTo(own);
    const fetch = httpFetch({ httpProxy: proxy.url, noProxy: "exempt.invalid" });
    await (await fetch({ method: "GET", url: new URL("http://registry.example/v2/") })).text();
    expect(proxy.wanted).toEqual(["GET http://registry.example/v2/"]);
    expect(await (await fetch(get(own))).text()).toBe("direct");
    await expect(
      fetch({ method: "GET", url: new URL("http://exempt.invalid/") }),
    ).rejects.toThrow();
    expect(proxy.wanted).toHaveLength(1);
  });

  it("lead HTTPS through a tunnel, checked against the given certificates", async () => {
    const { port, extraCertificates } = await tlsServer();
    const proxy = await proxyTo(port);
    const url = new URL("https://registry.example/v2/");
    const fetch = httpFetch({ httpsProxy: proxy.url, extraCertificates });
    expect(await (await fetch({ method: "GET", url })).text()).toBe("over TLS");
    expect(proxy.wanted).toEqual(["CONNECT registry.example:443"]);
  });

  it("make a certificate of one's own trusted, and only then", async () => {
    const { port, extraCertificates } = await tlsServer();
    const url = new URL(`https://localhost:${port}/`);
    const trusting = httpFetch({ extraCertificates });
    expect(await (await trusting({ method: "GET", url })).text()).toBe("over TLS");
    await expect(httpFetch()({ method: "GET", url })).rejects.toThrow(RemoteError);
  });
});
