import { createHmac, randomBytes } from "node:crypto";
import { buffer, text } from "node:stream/consumers";
import type { Handler } from "./faults.ts";

export interface BlobStorage {
  readonly handle: Handler;
  /** An address that lets whoever has it write (`w`) or read (`r`) one blob. */
  sign(base: string, name: string, permission: "r" | "w"): string;
  size(name: string): number | undefined;
}

interface Blob {
  readonly bytes: Buffer;
  readonly type: string;
}

/** Where every blob is: Azure's addresses on an IP are /ACCOUNT/CONTAINER/BLOB. */
const container = "/storage/artifacts/";

/**
 * The block blobs of Azure's storage, as far as clients of signed addresses use them: Put Blob, Put Block, Put Block List, Get Blob
 * (learn.microsoft.com/rest/api/storageservices). A request that brings an Authorization header is refused: the signature is the only
 * credential that belongs here.
 */
export function blobStorage(): BlobStorage {
  const key = randomBytes(16);
  const blobs = new Map<string, Blob>();
  const blocks = new Map<string, Buffer>();
  const signature = (name: string, permission: string) =>
    createHmac("sha256", key).update(`${permission} ${name}`).digest("base64");

  const write = async (name: string, url: URL, request: Parameters<Handler>[0]) => {
    const part = url.searchParams.get("comp");
    if (part === "block") {
      blocks.set(`${name} ${url.searchParams.get("blockid")}`, await buffer(request));
      return 201;
    }
    const type = String(request.headers["x-ms-blob-content-type"] ?? "application/octet-stream");
    if (part === "blocklist") {
      const list = [...(await text(request)).matchAll(/<Latest>([^<]+)<\/Latest>/g)].map(([, id]) =>
        blocks.get(`${name} ${id}`),
      );
      if (list.includes(undefined)) return 400;
      blobs.set(name, { bytes: Buffer.concat(list.filter((block) => block !== undefined)), type });
      return 201;
    }
    if (part !== null || request.headers["x-ms-blob-type"] !== "BlockBlob") return 400;
    blobs.set(name, { bytes: await buffer(request), type });
    return 201;
  };

  const serve = async (...[request, response]: Parameters<Handler>) => {
    const url = new URL(request.url ?? "/", "http://storage");
    const name = decodeURIComponent(url.pathname.slice(container.length));
    const permission = request.method === "PUT" ? "w" : "r";
    const allowed =
      request.headers.authorization === undefined &&
      url.pathname.startsWith(container) &&
      url.searchParams.get("sig") === signature(name, permission);
    const blob = blobs.get(name);
    if (!allowed) response.writeHead(403).end();
    else if (permission === "w") response.writeHead(await write(name, url, request)).end();
    else if (blob === undefined) response.writeHead(404).end();
    else
      response
        .writeHead(200, { "content-type": blob.type, "content-length": blob.bytes.length })
        .end(blob.bytes);
  };

  return {
    handle: (request, response) => {
      serve(request, response).catch(() => response.destroy());
    },
    sign: (base, name, permission) =>
      `${base}${container}${encodeURIComponent(name)}?sp=${permission}&sig=${encodeURIComponent(signature(name, permission))}`,
    size: (name) => blobs.get(name)?.bytes.length,
  };
}
