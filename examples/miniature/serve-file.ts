import { createReadStream } from "node:fs";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

interface Served {
  readonly location: string;
  readonly size: number;
  readonly modified: Date;
  /** With its quotation marks. */
  readonly etag: string;
}

/** Answers GET and HEAD with a file or one range of it (RFC 9110, sections 13.1.5 and 14). */
export async function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: Served,
  extra: OutgoingHttpHeaders = {},
): Promise<void> {
  const headers: OutgoingHttpHeaders = {
    "Content-Type": "application/octet-stream",
    "Accept-Ranges": "bytes",
    ETag: file.etag,
    "Last-Modified": file.modified.toUTCString(),
    ...extra,
  };
  const range = wanted(request, file);
  if (range === "unsatisfiable") {
    response.writeHead(416, { ...headers, "Content-Range": `bytes */${file.size}` }).end();
    return;
  }
  const { first, last } = range ?? { first: 0, last: file.size - 1 };
  headers["Content-Length"] = last - first + 1;
  if (range !== undefined) headers["Content-Range"] = `bytes ${first}-${last}/${file.size}`;
  response.writeHead(range === undefined ? 200 : 206, headers);
  if (request.method === "HEAD" || file.size === 0) response.end();
  else await pipeline(createReadStream(file.location, { start: first, end: last }), response);
}

/** @returns undefined where the whole file is to be sent */
function wanted(request: IncomingMessage, { size, etag, modified }: Served) {
  const condition = request.headers["if-range"];
  if (condition !== undefined && condition !== etag && condition !== modified.toUTCString()) return;
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  if (from === undefined || to === undefined || from + to === "") return;
  if (from === "" && Number(to) === 0) return "unsatisfiable";
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(size - 1, Number(to));
  if (first >= size) return "unsatisfiable";
  return last < first ? undefined : { first, last };
}
