import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { RemoteError } from "../../src/errors.ts";
import { answer } from "../fakes/faults.ts";
import { hubModel, one, resolving, spec, two } from "./resolving.ts";
import { publish, sha256, weights } from "./world.ts";

const given = resolving();
const bodies = () =>
  given.world.hub.requests.filter(
    ({ url, status, method }) => method === "GET" && status === 200 && !url.startsWith("/api/"),
  );

describe("a new lock", () => {
  it("has commits, sizes, hashes and layers, and read each file once", async () => {
    const { lock, bytesRead, changes } = await given.resolve();
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
    const { lock, bytesRead } = await given.resolve({ open: true });
    expect(lock.layers).toBeUndefined();
    expect(bytesRead).toBe(2);
  });

  it("takes the files of a folder or a server, whose hashes nobody tells, reading each once", async () => {
    writeFileSync(join(given.world.folder, "x.bin"), weights(70 * 2 ** 20, 4));
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
      const { lock, bytesRead } = await given.resolve(
        {},
        spec(
          {
            name: "disk",
            source: { url: pathToFileURL(given.world.folder).href },
            files: ["x.bin"],
          },
          { name: "web", source: { url: base }, files: ["a b/c.json"] },
        ),
      );
      expect(lock.models.map(({ files }) => files[0]?.sha256)).toEqual([
        sha256(readFileSync(join(given.world.folder, "x.bin"))),
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
    given.world.faults.push({ path: "/api/models/nsn/two", does: answer(200, { body }) });
    await given.resolve({ open: true }, spec(hubModel("two")));
    expect(given.world.messages.join()).toMatch(
      /two\/nf4\.safetensors makes a layer of 11,484,5\d\d,\d{3} bytes: GHCR takes at most/,
    );
  });
});

describe("a lock that is made again", () => {
  it("reads nothing and changes nothing while nothing changed", async () => {
    const { lock } = await given.resolve();
    const again = await given.resolve({ previous: lock });
    expect(again.lock).toEqual(lock);
    expect(again.bytesRead).toBe(0);
    expect(again.changes).toEqual({
      revisions: [],
      files: [],
      layers: { kept: 2, added: 0, bytes: 0 },
    });
  });

  it("stays at its commit until it is updated; then unchanged layers stay, unread, and the new one comes last", async () => {
    const { lock } = await given.resolve();
    await publish(given.world, "one", { "model.safetensors": weights(1_300_000, 9) });
    await expect(given.resolve({ previous: lock })).rejects.toBeInstanceOf(RemoteError);
    const updated = await given.resolve({ previous: lock, update: true });
    expect(updated.changes).toMatchObject({
      revisions: [{ model: "one" }],
      files: [{ file: "one/model.safetensors", change: "changed" }],
      layers: { kept: 1, added: 1 },
    });
    expect(updated.lock.layers?.[0]).toEqual(lock.layers?.[1]);
    expect(updated.bytesRead).toBe(1_300_002);
    const afresh = await given.resolve({ previous: updated.lock, repack: true });
    expect(afresh.lock.layers?.map(({ digest }) => digest)).toEqual(
      updated.lock.layers?.map(({ digest }) => digest).reverse(),
    );
  });

  it("completes an open lock", async () => {
    const { lock } = await given.resolve({ open: true });
    const completed = await given.resolve({ previous: lock });
    expect(completed.lock).toEqual((await given.resolve()).lock);
  });
});
