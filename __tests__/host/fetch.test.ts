import type { RequestListener } from "node:http";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { RemoteError } from "../../src/errors.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { closeServers, get, serve } from "./servers.ts";

// Real programs on a machine that may be busy with other tests.
jest.setTimeout(60_000);

afterEach(closeServers);

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
