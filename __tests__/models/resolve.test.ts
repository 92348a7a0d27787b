import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { IntegrityError, RemoteError, UsageError } from "../../src/errors.ts";
import { type ResolveOptions, resolveLock } from "../../src/models/resolve.ts";
import { parseSpec } from "../../src/models/spec.ts";
import { answer } from "../fakes/faults.ts";
import { type Contents, publish, sha256, startWorld, type World, weights } from "./world.ts";

jest.setTimeout(60_000);

const one: Contents = {
  "model.safetensors": weights(1_300_000),
  "config.json": Buffer.from("{}"),
  "sub/vocab.json": Buffer.from("[]"),
  "README.md": Buffer.from("# one"),
};
const two: Contents = { "b.onnx": weights(900_000, 2) };

let world: World;
beforeEach(async () => {
  world = await startWorld();
  await publish(world, "one", one);
  await publish(world, "two", two);
});
afterEach(() => world.close());

const hubModel = (name: string, more: object = {}) => ({
  name,
  title: name.toUpperCase(),
  source: { huggingface: `nsn/${name}`, revision: "main" },
  ...more,
});
const spec = (...models: object[]) =>
  parseSpec(JSON.stringify({ version: 1, root: "/models", models }), "models.json");
const both = () => spec(hubModel("one", { files: ["*.safetensors", "*.json"] }), hubModel("two"));
const resolve = (options: ResolveOptions = {}, what = both()) =>
  resolveLock(what, world.ports, options);
const bodies = () =>
  world.hub.requests.filter(
    ({ url, status, method }) => method === "GET" && status === 200 && !url.startsWith("/api/"),
  );

describe("a new lock", () => {
  it("has commits, sizes, hashes and layers, and read each file once", async () => {
    const { lock, bytesRead, changes } = await resolve();
    expect(lock.models.map(({ name, delivery, files }) => [name, delivery, files])).toEqual([
      [
        "one",
        "bake",
        ["config.json", "model.safetensors"].map((path) => ({
          path,
          size: one[path]?.length,
          sha256: sha256(one[path] ?? Buffer.of()),
        })),
      ],
      [
        "two",
        "bake",
        [{ path: "b.onnx", size: 900_000, sha256: sha256(two["b.onnx"] ?? Buffer.of()) }],
      ],
    ]);
    expect(lock.models[0]?.source).toEqual({
      huggingface: "nsn/one",
      revision: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    expect(lock.layers?.map(({ files }) => files)).toEqual([
      ["one/config.json", "one/model.safetensors"],
      ["two/b.onnx"],
    ]);
    expect(bytesRead).toBe(2_200_002);
    expect(bodies()).toHaveLength(3);
    expect(changes.files.map(({ file, change }) => [file, change])).toEqual([
      ["one/config.json", "added"],
      ["one/model.safetensors", "added"],
      ["two/b.onnx", "added"],
    ]);
  });

  it("that is open needs metadata and small files only", async () => {
    const { lock, bytesRead } = await resolve({ open: true });
    expect(lock.layers).toBeUndefined();
    expect(bytesRead).toBe(2);
  });

  it("takes the files of a folder or a server, whose hashes nobody tells, reading each once", async () => {
    writeFileSync(join(world.folder, "x.bin"), weights(70 * 2 ** 20, 4));
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers.range ?? "whole"}`);
      const body = Buffer.from("{}");
      if (request.headers.range === undefined) response.end(body);
      else
        response
          .writeHead(206, { "content-range": `bytes 0-0/${body.length}` })
          .end(body.subarray(0, 1));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    try {
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/deep`;
      const { lock, bytesRead } = await resolve(
        {},
        spec(
          { name: "disk", source: { url: pathToFileURL(world.folder).href }, files: ["x.bin"] },
          { name: "web", source: { url: base }, files: ["a b/c.json"] },
        ),
      );
      expect(lock.models.map(({ files }) => files[0]?.sha256)).toEqual([
        sha256(readFileSync(join(world.folder, "x.bin"))),
        sha256(Buffer.from("{}")),
      ]);
      expect(bytesRead).toBe(70 * 2 ** 20 + 2);
      expect(asked).toEqual(["/deep/a%20b/c.json bytes=0-0", "/deep/a%20b/c.json whole"]);
    } finally {
      server.close();
    }
  });

  it("warns of a file that GHCR would not take", async () => {
    const body = JSON.stringify({
      sha: "0".repeat(40),
      siblings: [
        {
          rfilename: "nf4.safetensors",
          size: 11_484_555_394,
          lfs: { sha256: "a".repeat(64), size: 11_484_555_394 },
        },
      ],
    });
    world.faults.push({ path: "/api/models/nsn/two", does: answer(200, { body }) });
    await resolve({ open: true }, spec(hubModel("two")));
    expect(world.messages.join()).toMatch(
      /two\/nf4\.safetensors makes a layer of 11,484,5\d\d,\d{3} bytes: GHCR takes at most/,
    );
  });
});

describe("a lock that is made again", () => {
  it("reads nothing and changes nothing while nothing changed", async () => {
    const { lock } = await resolve();
    const again = await resolve({ previous: lock });
    expect(again.lock).toEqual(lock);
    expect(again.bytesRead).toBe(0);
    expect(again.changes).toEqual({
      revisions: [],
      files: [],
      layers: { kept: 2, added: 0, bytes: 0 },
    });
  });

  it("stays at its commit until it is updated; then unchanged layers stay, unread, and the new one comes last", async () => {
    const { lock } = await resolve();
    await publish(world, "one", { "model.safetensors": weights(1_300_000, 9) });
    await expect(resolve({ previous: lock })).rejects.toBeInstanceOf(RemoteError);
    const updated = await resolve({ previous: lock, update: true });
    expect(updated.changes).toMatchObject({
      revisions: [{ model: "one" }],
      files: [{ file: "one/model.safetensors", change: "changed" }],
      layers: { kept: 1, added: 1 },
    });
    expect(updated.lock.layers?.[0]).toEqual(lock.layers?.[1]);
    expect(updated.bytesRead).toBe(1_300_002);
    const afresh = await resolve({ previous: updated.lock, repack: true });
    expect(afresh.lock.layers?.map(({ digest }) => digest)).toEqual(
      updated.lock.layers?.map(({ digest }) => digest).reverse(),
    );
  });

  it("completes an open lock", async () => {
    const { lock } = await resolve({ open: true });
    const completed = await resolve({ previous: lock });
    expect(completed.lock).toEqual((await resolve()).lock);
  });
});

describe("a lock that cannot be made", () => {
  it.each<[string, object, new (...args: never[]) => Error, RegExp]>([
    [
      "a pattern that fits nothing",
      hubModel("one", { files: ["*.gguf"] }),
      UsageError,
      /one: no file of nsn\/one fits "\*\.gguf"/,
    ],
    [
      "a repository that is not there",
      hubModel("none"),
      RemoteError,
      /the hub does not have it \(HTTP 404/,
    ],
    [
      "a branch that is not there",
      hubModel("one", { source: { huggingface: "nsn/one", revision: "dev" } }),
      RemoteError,
      /Invalid rev id: dev/,
    ],
    [
      "a file that is not there",
      { name: "x", source: { url: "file:///none" }, files: ["a"] },
      UsageError,
      /\/none\/a is not there/,
    ],
  ])("for %s", async (_, model, kind, message) => {
    const failure = await resolve({}, spec(model)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(kind);
    expect(String(failure)).toMatch(message);
  });

  it("for a hub that serves other bytes than it tells", async () => {
    world.faults.push({ path: "/cdn/nsn/two", does: answer(200, { body: "<html></html>" }) });
    await expect(resolve()).rejects.toBeInstanceOf(IntegrityError);
  });

  it("for an address that is no hub", async () => {
    world.faults.push({ path: "/api/", does: answer(200, { body: "<html></html>" }) });
    await expect(resolve()).rejects.toThrow(/did not answer as a hub does/);
  });
});

describe("a spec", () => {
  const parse =
    (model: object, more: object = {}) =>
    () =>
      parseSpec(JSON.stringify({ version: 1, models: [model], ...more }), "models.json");

  it("whose source was left open is refused with the sentence that says what to choose", () => {
    const text = readFileSync(join(import.meta.dirname, "../../models.json"), "utf8");
    const failure = (() => {
      try {
        return parseSpec(text, "models.json");
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toBeInstanceOf(UsageError);
    expect((failure as UsageError).message).toBe(
      "models.json: models.0.source: flux-schnell-nf4 has none yet.",
    );
    expect((failure as UsageError).todo).toMatch(
      /^Choose a Hugging Face repository of FLUX\.1-schnell in NF4/,
    );
  });

  it.each<[string, object, RegExp]>([
    ["an unknown key", hubModel("one", { revision: "x" }), /models\.0: Unrecognized key/],
    ["an escaping pattern", hubModel("one", { files: ["../x"] }), /models\.0\.files\.0: /],
    [
      "a revision that escapes",
      hubModel("one", { source: { huggingface: "a/b", revision: "../x" } }),
      /models\.0\.source/,
    ],
    [
      "a repository that is none",
      hubModel("one", { source: { huggingface: "a/b/c", revision: "x" } }),
      /models\.0\.source.*OWNER\/NAME/,
    ],
    [
      "a plain-HTTP source",
      { name: "a", source: { url: "http://cdn.example/" }, files: ["x"] },
      /loopback only/,
    ],
    [
      "a folder without names of files",
      { name: "a", source: { url: "https://cdn.example/" } },
      /name its files/,
    ],
  ])("with %s is refused", (_, model, message) => {
    expect(parse(model)).toThrow(message);
    expect(parse(model)).toThrow(UsageError);
  });

  it("may allow what the gate would refuse, with a reason", async () => {
    await publish(world, "gap", { "empty.txt": Buffer.alloc(0), "w.onnx": weights(100) });
    const model = hubModel("gap", { files: ["*.onnx", { path: "*.txt", allow: "a marker" }] });
    await expect(resolve({}, spec(hubModel("gap", { files: ["*"] })))).rejects.toThrow(
      /the weights gate refuses it: it is empty/,
    );
    const { lock } = await resolve({}, spec(model));
    expect(lock.models[0]?.files).toMatchObject([
      { path: "empty.txt", allow: "a marker" },
      { path: "w.onnx" },
    ]);
  });
});
