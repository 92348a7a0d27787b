import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** A program: serves the folder of its first argument with Range, prints its address. Any first part of a path is ignored, so that a file has as many addresses as wanted. */
const root = process.argv[2] ?? ".";

const server = createServer((request, response) => {
  const path = join(root, decodeURIComponent(request.url ?? "/").replace(/^\/[^/]*/, ""));
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return void response.writeHead(404).end();
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  response.writeHead(from === 0 ? 200 : 206, {
    "content-length": size - from,
    "content-type": "application/octet-stream",
    ...(from === 0 ? {} : { "content-range": `bytes ${from}-${size - 1}/${size}` }),
  });
  if (request.method === "HEAD") return void response.end();
  const file = createReadStream(path, { start: from, highWaterMark: 2 ** 20 });
  file.once("error", (error) => response.destroy(error));
  response.once("close", () => file.destroy());
  file.pipe(response);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
