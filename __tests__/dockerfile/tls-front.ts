import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { request as plain } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { localSecrets } from "./docker.ts";

export interface TlsFront {
  readonly endpoint: string;
  /** A file with the certificates of this machine and the one of this server. */
  readonly authorities: string;
  /** How many requests it has had. */
  requests(): number;
  close(): Promise<void>;
}

/** A server at https://localhost before a plain one, with a certificate that is made here; its files go into `folder`. */
export async function startTlsFront(folder: string, behind: string): Promise<TlsFront> {
  const [key, own] = [join(folder, "front.key"), join(folder, "front.pem")];
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"],
    ...["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", own],
  ]);
  const authorities = join(folder, "authorities.pem");
  const texts = [await theirs(), await readFile(own, "utf8")];
  await writeFile(authorities, texts.join("\n"));

  let count = 0;
  const identity = { key: await readFile(key), cert: await readFile(own) };
  const server = createServer(identity, (request, response) => {
    count++;
    const { method, headers, url = "/" } = request;
    const forward = plain(new URL(url, behind), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forward.on("error", () => response.destroy());
    request.pipe(forward);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const { port } = server.address() as AddressInfo;
  return { endpoint: `https://localhost:${port}`, authorities, requests: () => count, close };
}

/** The certificates that the other steps of a build need on this machine, if they are not cached. */
async function theirs(): Promise<string> {
  const [, secret = ""] = await localSecrets();
  const path = /src=(.*)$/.exec(secret)?.[1];
  return path === undefined ? "" : await readFile(path, "utf8");
}
