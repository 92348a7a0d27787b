import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "@jest/globals";
import { InterruptedError } from "../../src/errors.ts";
import { clock } from "../../src/host/clock.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { stoppableClock, stoppableFetch } from "../../src/host/stoppable.ts";

const reason = new InterruptedError("SIGTERM");

/** A server that answers `/` and is silent elsewhere. */
async function withServer(
  work: (url: (path: string) => URL, asked: Promise<void>) => Promise<void>,
) {
  let told = () => {};
  const asked = new Promise<void>((resolve) => {
    told = resolve;
  });
  const server = createServer((request, response) => {
    if (request.url === "/") response.end("here");
    else told();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await work((path) => new URL(`http://127.0.0.1:${port}${path}`), asked);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe("once the run is told to stop", () => {
  it("a request that nobody answers ends, though it has no signal of its own", () =>
    withServer(async (url, asked) => {
      const stop = new AbortController();
      const fetch = stoppableFetch(httpFetch(), stop.signal);
      const waiting = fetch({ method: "GET", url: url("/silent") });
      await asked;
      stop.abort(reason);
      await expect(waiting).rejects.toBe(reason);
    }));

  it("what is asked for afterwards, to put things in order, still goes through", () =>
    withServer(async (url) => {
      const stop = new AbortController();
      const fetch = stoppableFetch(httpFetch(), stop.signal);
      stop.abort(reason);
      expect(await (await fetch({ method: "GET", url: url("/") })).text()).toBe("here");
    }));

  it("a request keeps its own signal too", () =>
    withServer(async (url) => {
      const fetch = stoppableFetch(httpFetch(), new AbortController().signal);
      const signal = AbortSignal.abort(new Error("enough"));
      await expect(fetch({ method: "GET", url: url("/"), signal })).rejects.toThrow("enough");
    }));

  it("nobody sleeps on, or goes to sleep", async () => {
    const stop = new AbortController();
    const stoppable = stoppableClock(clock, stop.signal);
    const sleeping = stoppable.sleep(60_000);
    stop.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(stoppable.sleep(60_000)).rejects.toBe(reason);
  });
});
