import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { IntegrityError, RemoteError } from "../../src/errors.ts";
import { sourceReader } from "../../src/models/file-reader.ts";
import { answer, type Deed, disconnectAfter, silence, stallAfter } from "../fakes/faults.ts";
import { content, reading } from "./reading.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});
const given = reading();

/** A mirror that serves the right bytes, or goes wrong, and ignores Range where told to. */
async function startMirror({
  body = content,
  ranges = true,
}: {
  body?: Buffer;
  ranges?: boolean;
} = {}) {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.range);
    const from = ranges ? Number(/\d+/.exec(request.headers.range ?? "0")?.[0]) : 0;
    const headers =
      from === 0 ? {} : { "content-range": `bytes ${from}-${body.length - 1}/${body.length}` };
    response.writeHead(from === 0 ? 200 : 206, {
      ...headers,
      "content-length": body.length - from,
    });
    response.end(body.subarray(from));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/folder/`, asked };
}

describe("a source that fails and is asked again", () => {
  it.each<[string, Deed]>([
    ["breaks in the middle", disconnectAfter(100_000)],
    ["falls silent in the middle", stallAfter(100_000)],
  ])("goes on at the byte reached when it %s", async (_, does) => {
    given.world.faults.push({ path: "/cdn/", nth: 1, does });
    expect((await given.read()).equals(content)).toBe(true);
    const [first, second] = given.rangesAsked();
    expect(first).toBeUndefined();
    expect(second).toMatch(/^bytes=[1-9]\d*-$/);
    expect(given.world.messages).toContain("Retry 2/5 in 2s...");
  });

  it.each<[string, Deed]>([
    ["is silent", silence()],
    ["is overloaded", answer(503)],
    ["breaks at once", disconnectAfter(0)],
  ])(
    "waits 2, 4, 8 and 16 seconds when it %s, and gives up after five attempts",
    async (_, does) => {
      given.world.faults.push({ path: "/cdn/", does });
      const failure = await given.read().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(RemoteError);
      expect(String(failure)).toMatch(
        /models\/one\/model\.safetensors: .*Given up after 5 attempts\./,
      );
      expect(given.world.waits).toEqual([2000, 4000, 8000, 16_000]);
      expect(given.world.messages.filter((text) => text.startsWith("Retry "))).toEqual([
        "Retry 2/5 in 2s...",
        "Retry 3/5 in 4s...",
        "Retry 4/5 in 8s...",
        "Retry 5/5 in 16s...",
      ]);
    },
  );

  it("waits as long as a 429 asks for", async () => {
    given.world.faults.push({
      path: "/resolve/",
      nth: 1,
      does: answer(429, { headers: { "retry-after": "7" } }),
    });
    expect((await given.read()).equals(content)).toBe(true);
    expect(given.world.waits).toEqual([7000]);
  });

  it("stops at once when the run is told to stop", async () => {
    given.world.faults.push({ path: "/cdn/", does: stallAfter(100_000) });
    const stop = new AbortController();
    const work = async () => {
      for await (const piece of sourceReader("/models", given.file(), given.world.ports).open(
        0,
        stop.signal,
      ))
        if (piece.length > 0) stop.abort(new Error("told to stop"));
    };
    await expect(work()).rejects.toThrow("told to stop");
  });
});

describe("mirrors", () => {
  it("take over in mid-file", async () => {
    const mirror = await startMirror();
    given.world.faults.push({ path: "/cdn/", does: disconnectAfter(1000) });
    expect((await given.read(0, { mirrors: [mirror.url] })).equals(content)).toBe(true);
    expect(mirror.asked).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
  });

  it("that ignore Range are read from their beginning, and what was there is dropped", async () => {
    const mirror = await startMirror({ ranges: false });
    given.world.faults.push({ path: "/cdn/", does: disconnectAfter(100_000) });
    expect((await given.read(0, { mirrors: [mirror.url] })).equals(content)).toBe(true);
    expect(
      (await given.read(250_000, { mirrors: [mirror.url] })).equals(content.subarray(250_000)),
    ).toBe(true);
  });

  it("are asked in their order, and all are named when none has the file", async () => {
    const page = await startMirror({ body: Buffer.from("<!DOCTYPE html><html></html>") });
    given.world.faults.push({ path: "/resolve/", does: answer(404) });
    const failure = await given.read(0, { mirrors: [page.url] }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(IntegrityError);
    expect(String(failure)).toMatch(/no source gave it\. .*HTTP 404.*HTML page of 28 bytes/);
  });
});
