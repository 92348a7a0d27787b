import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import {
  listen,
  type RegistryState,
  repositoryOf,
  type SeenRequest,
  seen,
  stop,
} from "./registry-state.ts";

/** The blob storage behind a registry: a bucket with signed URLs, which refuses a request that brings any other credential. */
export async function startStorage(
  state: RegistryState,
  requests: SeenRequest[],
): Promise<{ host: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    requests.push(seen(request));
    const url = new URL(request.url ?? "", "http://storage");
    const [, name = "", digest = ""] = /^\/(.+)\/([^/]+)$/.exec(url.pathname) ?? [];
    const bytes = repositoryOf(state, name).blobs.get(digest);
    if (request.headers.authorization !== undefined || url.search !== "?signature=a%2Bb")
      response.writeHead(400).end("<Error><Code>InvalidRequest</Code></Error>");
    else if (bytes === undefined) response.writeHead(404).end();
    else serveStoredBlob(bytes, request, response);
  });
  return { host: await listen(server), close: () => stop(server) };
}

/** Answers with the bytes, or with the range that is asked for. */
export function serveStoredBlob(bytes: Buffer, request: IncomingMessage, response: ServerResponse) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  const from = Number(first ?? 0);
  const to = last ? Math.min(Number(last) + 1, bytes.length) : bytes.length;
  if (first !== undefined && from >= bytes.length)
    return void response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
  response.writeHead(first === undefined ? 200 : 206, {
    "content-length": to - from,
    ...(first === undefined ? {} : { "content-range": `bytes ${from}-${to - 1}/${bytes.length}` }),
  });
  if (request.method === "HEAD") return void response.end();
  for (let at = from; at < to; at += 65_536)
    response.write(bytes.subarray(at, Math.min(at + 65_536, to)));
  response.end();
}
