import { createHash } from "node:crypto";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import {
  answer,
  corruptAt,
  delay,
  disconnectAfter,
  disconnectUploadAfter,
  extendBy,
  type Fault,
  type Handler,
  intercept,
  silence,
  stallAfter,
  stallUploadAfter,
  truncateTo,
} from "./faults.ts";

const body = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
const whole: Handler = (_, response) => {
  response.writeHead(200, { "Content-Length": body.length });
  for (let at = 0; at < body.length; at += 65_536) response.write(body.subarray(at, at + 65_536));
  response.end();
};

/** A digest stands for bytes: jest compares long buffers slowly. */
const digest = (bytes: Buffer) =>
  `${bytes.length} ${createHash("sha256").update(bytes).digest("hex")}`;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve(faults: readonly Fault[], handler: Handler = whole) {
  const interceptor = intercept(faults);
  const server = createServer(interceptor(handler));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, met: interceptor.met };
}

/** What arrives of a response until it ends, breaks, or is quiet for so many milliseconds. */
async function receive(url: string, { method = "GET", patience = 10_000 } = {}) {
  return await new Promise<{ status?: number; length?: string; body: Buffer; end: string }>(
    (resolve) => {
      const chunks: Buffer[] = [];
      const request = httpRequest(url, { method, agent: false });
      let head: { status?: number; length?: string } = {};
      const done = (end: string) => {
        clearTimeout(quiet);
        request.destroy();
        resolve({ ...head, body: Buffer.concat(chunks), end });
      };
      const quiet = setTimeout(() => done("quiet"), patience);
      request.on("error", () => done("broken"));
      request.on("response", (response) => {
        const length = response.headers["content-length"];
        head = { status: response.statusCode ?? 0, ...(length === undefined ? {} : { length }) };
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          quiet.refresh();
        });
        response.on("end", () => done("ended"));
        response.on("error", () => done("broken"));
      });
      request.end();
    },
  );
}

describe("faults of a response", () => {
  it.each([0, 1, 65_536, 100_000])("disconnect after %i bytes of the body", async (bytes) => {
    const { url, met } = await serve([{ does: disconnectAfter(bytes) }]);
    const seen = await receive(url);
    expect({ ...seen, body: undefined }).toEqual({ status: 200, length: "200000", end: "broken" });
    expect(digest(seen.body)).toBe(digest(body.subarray(0, bytes)));
    expect(met).toHaveLength(1);
  });

  it.each([0, 70_000])("stall after %i bytes with the connection open", async (bytes) => {
    const { url } = await serve([{ does: stallAfter(bytes) }]);
    const seen = await receive(url, { patience: 300 });
    expect({ ...seen, body: undefined }).toEqual({ status: 200, length: "200000", end: "quiet" });
    expect(digest(seen.body)).toBe(digest(body.subarray(0, bytes)));
  });

  it("accept a request and stay silent", async () => {
    const { url } = await serve([{ does: silence() }]);
    const seen = await receive(url, { patience: 100 });
    expect(seen).toEqual({ body: Buffer.alloc(0), end: "quiet" });
  });

  it("invert one byte and no other", async () => {
    const { url } = await serve([{ does: corruptAt(131_073) }]);
    const wanted = Buffer.from(body);
    wanted.writeUInt8(wanted.readUInt8(131_073) ^ 0xff, 131_073);
    const seen = await receive(url);
    expect([digest(seen.body), seen.end]).toEqual([digest(wanted), "ended"]);
  });

  it.each([false, true])("send fewer bytes and end cleanly (chunked: %s)", async (chunked) => {
    const { url } = await serve([{ does: truncateTo(99_999, { chunked }) }]);
    const seen = await receive(url);
    expect(digest(seen.body)).toBe(digest(body.subarray(0, 99_999)));
    expect([seen.length, seen.end]).toEqual([chunked ? undefined : "99999", "ended"]);
  });

  it.each([false, true])("send more bytes and end cleanly (chunked: %s)", async (chunked) => {
    const { url } = await serve([{ does: extendBy(3, { chunked }) }]);
    const seen = await receive(url);
    expect(digest(seen.body)).toBe(digest(Buffer.concat([body, Buffer.from("+++")])));
    expect([seen.length, seen.end]).toEqual([chunked ? undefined : "200003", "ended"]);
  });

  it("wrap one another", async () => {
    const { url } = await serve([{ does: disconnectAfter(4) }, { does: corruptAt(1) }]);
    const seen = await receive(url);
    expect([...seen.body, seen.end]).toEqual([0, 1 ^ 0xff, 2, 3, "broken"]);
  });
});

describe("faults in the handler's place", () => {
  it("answer", async () => {
    const does = answer(429, { headers: { "retry-after": "1" }, body: "slower" });
    const { url } = await serve([{ does }]);
    const response = await fetch(url, { method: "PUT", body: "ignored" });
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await response.text()).toBe("slower");
  });

  it("hold a request back for a while", async () => {
    const { url } = await serve([{ does: delay(60) }]);
    const start = performance.now();
    expect(digest((await receive(url)).body)).toBe(digest(body));
    expect(performance.now() - start).toBeGreaterThan(50);
  });

  it("take effect on a handler that only calls end", async () => {
    const { url } = await serve([{ does: truncateTo(2) }], (_, response) => response.end("four"));
    const seen = await receive(url);
    expect([seen.body.toString(), seen.length]).toEqual(["fo", "2"]);
  });

  it("tell a HEAD request the changed length and send it no body", async () => {
    const { url } = await serve([{ does: extendBy(1) }]);
    const seen = await receive(url, { method: "HEAD" });
    expect([seen.length, seen.body.length, seen.end]).toEqual(["200001", 0, "ended"]);
  });
});

describe("faults of an upload", () => {
  const reader = () => {
    const read: Buffer[] = [];
    const handler: Handler = (request, response) => {
      request.on("data", (chunk: Buffer) => read.push(chunk));
      request.on("end", () => response.end("done"));
      request.on("error", () => {});
    };
    return { handler, read: () => Buffer.concat(read) };
  };

  it.each([0, 1, 150_000])("disconnect after %i bytes of the body", async (bytes) => {
    const { handler, read } = reader();
    const { url } = await serve([{ method: "PATCH", does: disconnectUploadAfter(bytes) }], handler);
    await expect(fetch(url, { method: "PATCH", body })).rejects.toThrow();
    expect(digest(read())).toBe(digest(body.subarray(0, bytes)));
  });

  it("stall after some bytes with the connection open", async () => {
    const { handler, read } = reader();
    const { url } = await serve([{ does: stallUploadAfter(100_000) }], handler);
    const signal = AbortSignal.timeout(500);
    await expect(fetch(url, { method: "PUT", body, signal })).rejects.toThrow("timeout");
    expect(digest(read())).toBe(digest(body.subarray(0, 100_000)));
  });
});

describe("which requests meet a fault", () => {
  const down = answer(500);
  it.each<[string, Omit<Fault, "does">, number[]]>([
    ["all of them", {}, [500, 500, 500, 500]],
    ["those of a method", { method: "PUT" }, [200, 200, 500, 200]],
    ["those with a piece of a path", { path: "/b" }, [200, 500, 500, 500]],
    ["those with a path of a pattern", { path: /b$/ }, [200, 500, 500, 200]],
    ["the second that matches", { path: "/b", nth: 2 }, [200, 200, 500, 200]],
    ["the first and the third", { nth: [1, 3] }, [500, 200, 500, 200]],
  ])("%s", async (_, which, statuses) => {
    const { url } = await serve([{ ...which, does: down }]);
    const seen: number[] = [];
    for (const [method, path] of [
      ["GET", "/a"],
      ["GET", "/b"],
      ["PUT", "/b"],
      ["GET", "/b?c"],
    ] as const) {
      const response = await fetch(url + path, { method });
      await response.arrayBuffer();
      seen.push(response.status);
    }
    expect(seen).toEqual(statuses);
  });

  it("a rule that is added meanwhile", async () => {
    const faults: Fault[] = [];
    const { url, met } = await serve(faults);
    expect((await receive(url)).status).toBe(200);
    faults.push({ does: down });
    expect((await receive(url)).status).toBe(500);
    expect(met).toEqual(faults);
  });
});
