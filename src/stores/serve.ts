import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { isDigest } from "../images/digest.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";

export interface ServedStore {
  /** `127.0.0.1:PORT`; any repository name behind it is the store. */
  readonly host: string;
  close(): Promise<void>;
}

/** Serves a store as a registry on loopback that can only be read, so that an engine on this machine can `docker pull` from a layout. */
export async function serveStore(store: Store, { log }: { log: Log }): Promise<ServedStore> {
  const server = createServer((request, response) => {
    answer(store, request, response).catch((error) => {
      log.debug(`${request.method} ${request.url}: ${String(error)}`);
      if (response.headersSent) response.destroy();
      else fault(response, 500, "UNKNOWN", String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  store: Store,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD")
    return fault(response, 405, "UNSUPPORTED", "this registry can only be read");
  const path = (request.url ?? "").split("?")[0] ?? "";
  if (/^\/v2\/?$/.test(path)) {
    response.writeHead(200, { "docker-distribution-api-version": "registry/2.0" }).end("{}");
    return;
  }
  const [, kind, reference] = /^\/v2\/.+\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
  if (kind === "manifests") return await sendManifest(store, reference ?? "", request, response);
  if (kind === "blobs") return await sendBlob(store, reference ?? "", request, response);
  fault(response, 404, "NAME_UNKNOWN", "there is nothing here");
}

async function sendManifest(
  store: Store,
  reference: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const manifest = await store.readManifest(reference);
  if (manifest === undefined)
    return fault(response, 404, "MANIFEST_UNKNOWN", `${store.name} has no ${reference}`);
  response.writeHead(200, {
    "content-type": manifest.mediaType,
    "content-length": manifest.bytes.length,
    "docker-content-digest": manifest.digest,
  });
  response.end(request.method === "HEAD" ? undefined : manifest.bytes);
}

async function sendBlob(
  store: Store,
  digest: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const size = isDigest(digest) ? await store.blobSize(digest) : undefined;
  if (!isDigest(digest) || size === undefined)
    return fault(response, 404, "BLOB_UNKNOWN", `${store.name} has no ${digest}`);
  const range = parseRange(request.headers.range, size);
  if (range === "outside") {
    response.writeHead(416, { "content-range": `bytes */${size}` }).end();
    return;
  }
  const { from, to } = range ?? { from: 0, to: size };
  response.writeHead(range === undefined ? 200 : 206, {
    "content-type": "application/octet-stream",
    "content-length": to - from,
    "docker-content-digest": digest,
    "accept-ranges": "bytes",
    ...(range === undefined ? {} : { "content-range": `bytes ${from}-${to - 1}/${size}` }),
  });
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const stop = new AbortController();
  response.once("close", () => stop.abort());
  await pipeline(upTo(to - from, store.readBlob(digest, from, stop.signal)), response);
}

async function* upTo(length: number, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let left = length;
  for await (const piece of bytes) {
    yield piece.length > left ? piece.subarray(0, left) : piece;
    left -= piece.length;
    if (left <= 0) return;
  }
}

/** One range of bytes (RFC 9110, 14.2), its end excluded; undefined: the whole. */
export function parseRange(
  header: string | undefined,
  size: number,
): { readonly from: number; readonly to: number } | "outside" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const from = Math.max(0, size - Number(last));
    return from === size ? "outside" : { from, to: size };
  }
  const from = Number(first);
  const to = last === "" ? size : Math.min(Number(last) + 1, size);
  return from < size && from < to ? { from, to } : "outside";
}

function fault(response: ServerResponse, status: number, code: string, message: string): void {
  const body = JSON.stringify({ errors: [{ code, message }] });
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}
