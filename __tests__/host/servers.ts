import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsOptions } from "node:tls";
import { exec } from "../../src/host/exec.ts";

const closing: (() => Promise<unknown>)[] = [];

/** Ends every server that was started since, and removes its certificate. */
export async function closeServers(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close();
}

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

/** The port of a server on loopback. */
export const serve = async (handler: RequestListener) => await listening(createServer(handler));
export const get = (port: number, path = "/") =>
  ({ method: "GET", url: new URL(`http://127.0.0.1:${port}${path}`) }) as const;

/** A proxy that leads every tunnel and every request to one port, and notes whither they wanted. */
export async function proxyTo(port: number) {
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
export async function tlsServer(options: TlsOptions = {}) {
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
  if (code !== 0) throw new Error("openssl made no certificate");
  const pair = { ...options, key: await readFile(key), cert: await readFile(cert) };
  const server = createTlsServer(pair, (_, response) => response.end("over TLS"));
  return {
    port: await listening(server),
    trusting: { extraCertificates: { name: "SSL_CERT_FILE", value: cert } },
  };
}
