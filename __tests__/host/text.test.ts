import { afterEach, describe, expect, it } from "@jest/globals";
import { ending } from "../../src/errors.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { isPassing } from "../../src/retry/passing.ts";
import { closeServers, get, serve } from "./servers.ts";

afterEach(closeServers);

/** What a person is shown of a request that fails, and whether it is worth another try. */
async function failing(work: Promise<unknown>) {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  return { ...ending(error), passing: isPassing(error) };
}

describe("An answer that is read as one text", () => {
  it("and breaks off is the network's failure, and worth another try", async () => {
    const port = await serve((_, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write('{"tags":[', () => response.destroy());
    });
    const response = await httpFetch()(get(port, "/list?secret=1"));
    const { text, exitCode, passing } = await failing(response.text());
    expect(text).toMatch(/^GET http:\/\/127\.0\.0\.1:\d+\/list: the connection broke\./);
    expect([exitCode, passing]).toEqual([3, true]);
  });

  it("and never ends is refused", async () => {
    const port = await serve((_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(2 ** 20, " ")));
      };
      response.on("drain", more);
      more();
    });
    const response = await httpFetch()(get(port));
    const { text, exitCode, passing } = await failing(response.text());
    expect(text).toContain("the answer is longer than 32 MiB.");
    expect([exitCode, passing]).toEqual([3, false]);
  });

  it("throws the signal's reason where the run is told to stop meanwhile", async () => {
    const port = await serve((_, response) => response.write("first"));
    const stop = new AbortController();
    const response = await httpFetch()({ ...get(port), signal: stop.signal });
    const text = response.text();
    stop.abort(new Error("told to stop"));
    await expect(text).rejects.toThrow("told to stop");
  });
});
