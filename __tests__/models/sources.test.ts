import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { IntegrityError, RemoteError } from "../../src/errors.ts";
import { sourceReader } from "../../src/models/file-reader.ts";
import { filesOf, type LockedModel } from "../../src/models/lock.ts";
import {
  answer,
  corruptAt,
  type Deed,
  disconnectAfter,
  extendBy,
  silence,
  stallAfter,
  truncateTo,
} from "../fakes/faults.ts";
import { publish, startWorld, type World, weights } from "./world.ts";

jest.setTimeout(30_000);
const content = weights(400_000);
const closing: (() => void)[] = [];
let world: World;
let model: LockedModel;
beforeEach(async () => {
  world = await startWorld({ idleTimeout: 250 });
  model = await publish(world, "one", { "model.safetensors": content });
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await world.close();
});

async function read(from = 0, changes: Partial<LockedModel> = {}): Promise<Buffer> {
  const [file] = filesOf([{ ...model, ...changes }]);
  if (file === undefined) throw new Error("no file");
  const pieces: Uint8Array[] = [];
  for await (const piece of sourceReader("/models", file, world.ports).open(from))
    pieces.push(piece);
  return Buffer.concat(pieces);
}

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

const rangesAsked = () =>
  world.hub.requests.filter(({ server }) => server === "cdn").map(({ headers }) => headers.range);

describe("a source that fails and is asked again", () => {
  it.each<[string, Deed]>([
    ["breaks in the middle", disconnectAfter(100_000)],
    ["falls silent in the middle", stallAfter(100_000)],
  ])("goes on at the byte reached when it %s", async (_, does) => {
    world.faults.push({ path: "/cdn/", nth: 1, does });
    expect((await read()).equals(content)).toBe(true);
    const [first, second] = rangesAsked();
    expect(first).toBeUndefined();
    expect(second).toMatch(/^bytes=[1-9]\d*-$/);
    expect(world.messages).toContain("Retry 2/5 in 2s...");
  });

  it.each<[string, Deed]>([
    ["is silent", silence()],
    ["is overloaded", answer(503)],
    ["breaks at once", disconnectAfter(0)],
  ])(
    "waits 2, 4, 8 and 16 seconds when it %s, and gives up after five attempts",
    async (_, does) => {
      world.faults.push({ path: "/cdn/", does });
      const failure = await read().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(RemoteError);
      expect(String(failure)).toMatch(
        /models\/one\/model\.safetensors: .*Given up after 5 attempts\./,
      );
      expect(world.waits).toEqual([2000, 4000, 8000, 16_000]);
      expect(world.messages.filter((text) => text.startsWith("Retry "))).toEqual([
        "Retry 2/5 in 2s...",
        "Retry 3/5 in 4s...",
        "Retry 4/5 in 8s...",
        "Retry 5/5 in 16s...",
      ]);
    },
  );

  it("waits as long as a 429 asks for", async () => {
    world.faults.push({
      path: "/resolve/",
      nth: 1,
      does: answer(429, { headers: { "retry-after": "7" } }),
    });
    expect((await read()).equals(content)).toBe(true);
    expect(world.waits).toEqual([7000]);
  });

  it("stops at once when the run is told to stop", async () => {
    world.faults.push({ path: "/cdn/", does: stallAfter(100_000) });
    const stop = new AbortController();
    const [file] = filesOf([model]);
    if (file === undefined) throw new Error("no file");
    const work = async () => {
      for await (const piece of sourceReader("/models", file, world.ports).open(0, stop.signal))
        if (piece.length > 0) stop.abort(new Error("told to stop"));
    };
    await expect(work()).rejects.toThrow("told to stop");
  });
});

describe("mirrors", () => {
  it("take over in mid-file", async () => {
    const mirror = await startMirror();
    world.faults.push({ path: "/cdn/", does: disconnectAfter(1000) });
    expect((await read(0, { mirrors: [mirror.url] })).equals(content)).toBe(true);
    expect(mirror.asked).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
  });

  it("that ignore Range are read from their beginning, and what was there is dropped", async () => {
    const mirror = await startMirror({ ranges: false });
    world.faults.push({ path: "/cdn/", does: disconnectAfter(100_000) });
    expect((await read(0, { mirrors: [mirror.url] })).equals(content)).toBe(true);
    expect((await read(250_000, { mirrors: [mirror.url] })).equals(content.subarray(250_000))).toBe(
      true,
    );
  });

  it("are asked in their order, and all are named when none has the file", async () => {
    const page = await startMirror({ body: Buffer.from("<!DOCTYPE html><html></html>") });
    world.faults.push({ path: "/resolve/", does: answer(404) });
    const failure = await read(0, { mirrors: [page.url] }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(IntegrityError);
    expect(String(failure)).toMatch(/no source gave it\. .*HTTP 404.*HTML page of 28 bytes/);
  });
});

describe("bytes that are not the lock's", () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 400000\n`;
  it.each<[string, Deed, RegExp]>([
    [
      "other bytes",
      corruptAt(300_000),
      /the hub sent 400,000 bytes with sha256 [0-9a-f]{64}, the lock says [0-9a-f]{64}\./,
    ],
    [
      "fewer bytes",
      truncateTo(300_000),
      /the hub has 300,000 bytes, the lock says 400,000 bytes\./,
    ],
    [
      "fewer bytes without saying so",
      truncateTo(300_000, { chunked: true }),
      /the hub ended after 300,000 bytes/,
    ],
    ["more bytes", extendBy(5), /the hub has 400,005 bytes/],
    ["more bytes without saying so", extendBy(5, { chunked: true }), /the hub sent more bytes/],
    [
      "an HTML page",
      answer(200, { body: "<!doctype html><title>Log in</title>" }),
      /the hub sent an HTML page of 36 bytes/,
    ],
    [
      "a git-lfs pointer",
      answer(200, { body: pointer }),
      /the hub sent a git-lfs pointer of 131 bytes/,
    ],
  ])("%s end it with one message", async (_, does, message) => {
    world.faults.push({ path: "/cdn/", does });
    const failure = await read().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(IntegrityError);
    expect(String(failure)).toMatch(message);
    expect((failure as IntegrityError).todo).toMatch(
      /Nothing was published\..*models lock --update/,
    );
    expect(world.waits).toEqual([]);
  });

  it("are seen before they are read where the hub names another hash", async () => {
    const other = {
      ...model,
      files: model.files.map((file) => ({ ...file, sha256: "0".repeat(64) })),
    };
    await expect(read(0, other)).rejects.toThrow(
      /the hub has sha256 [0-9a-f]{64}, the lock says 0{64}\./,
    );
    expect(rangesAsked().length).toBeLessThanOrEqual(1);
    expect(world.hub.requests.reduce((sum, { bytesSent }) => sum + bytesSent, 0)).toBeLessThan(
      400_000,
    );
  });
});

describe("a repository that is not open to everybody", () => {
  const gated = async (token?: string) => {
    await world.close();
    world = await startWorld({ gated: ["nsn/one"], token: "right" });
    model = await publish(world, "one", { "model.safetensors": content });
    const hub = {
      endpoint: new URL(world.hub.endpoint),
      ...(token === undefined ? {} : { token }),
    };
    const [file] = filesOf([model]);
    if (file === undefined) throw new Error("no file");
    for await (const _ of sourceReader("/models", file, { ...world.ports, hub }).open(0));
  };

  it.each([
    [
      "without a token",
      undefined,
      /HTTP 401, no token was sent/,
      /accept its terms there, then give a token/,
    ],
    [
      "with a wrong one",
      "wrong",
      /HTTP 403, with the token that was sent/,
      /Accept the terms at .*nsn\/one with the account of the token/,
    ],
  ])("says %s which page and which token", async (_, token, message, todo) => {
    const failure = await gated(token).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RemoteError);
    expect(String(failure)).toMatch(message);
    expect((failure as RemoteError).todo).toMatch(todo);
  });

  it("gives its files to the right token, which its storage host never sees", async () => {
    await gated("right");
    const cdn = world.hub.requests.filter(({ server }) => server === "cdn");
    expect(cdn.map(({ status, headers }) => [status, headers.authorization])).toEqual([
      [200, undefined],
    ]);
  });
});

describe("a folder of this machine", () => {
  it("is a source like any other", async () => {
    writeFileSync(join(world.folder, "model.safetensors"), content);
    const source = { url: pathToFileURL(world.folder).href };
    expect((await read(0, { source })).equals(content)).toBe(true);
    expect((await read(399_999, { source })).equals(content.subarray(399_999))).toBe(true);
  });

  it.each([
    ["a file of another size", content.subarray(1), /has 399,999 bytes/],
    ["other bytes", Buffer.from(content).fill(7, 200_000, 200_001), /with sha256/],
    ["no such file", undefined, /is not there/],
  ])("with %s is refused", async (_, bytes, message) => {
    if (bytes !== undefined) writeFileSync(join(world.folder, "model.safetensors"), bytes);
    await expect(read(0, { source: { url: pathToFileURL(world.folder).href } })).rejects.toThrow(
      message,
    );
  });
});
