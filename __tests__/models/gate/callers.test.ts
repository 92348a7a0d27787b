import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "@jest/globals";
import type { Lock, LockedModel } from "../../../src/models/lock.ts";
import { pushModels } from "../../../src/models/push.ts";
import { resolveLock } from "../../../src/models/resolve.ts";
import { parseSpec } from "../../../src/models/spec.ts";
import { verifyModels } from "../../../src/models/verify.ts";
import { pulling } from "../pulling.ts";
import { modelOf, openLock, publish } from "../world.ts";
import { latin } from "./sample.ts";
import { u32, u64 } from "./zips.ts";

const given = pulling();

const hostile = latin("\x80\x02cos\nsystem\n(X\x02\0\0\0idtR.");
const unknown = latin("\x89PNG\r\n\x1a\n\0\0");

const refusal =
  /pickled\/model\.bin: the weights gate refuses it \(rule pickle-global\): byte 2, opcode GLOBAL: os\.system/;

/** A lock with a file that the gate refuses, and the same with its word for it. */
async function locks(): Promise<{ refused: Lock; allowed: Lock }> {
  const model = await publish(given.world, "pickled", { "model.bin": hostile });
  return { refused: openLock(model), allowed: openLock(allowing(model)) };
}

function allowing(model: LockedModel): LockedModel {
  return { ...model, files: model.files.map((file) => ({ ...file, allow: "a test" })) };
}

describe("models lock", () => {
  const lock = (files: readonly unknown[], source: object) => {
    const model = { name: "m", source, files };
    const spec = parseSpec(JSON.stringify({ version: 1, models: [model] }), "models.json");
    return resolveLock(spec, given.world.ports);
  };

  it.each([
    ["a pickle", "evil.bin", hostile, /rule pickle-global/],
    [
      "a type that is not known",
      "a.png",
      unknown,
      /rule no-unknown\): it is of no type that weights have\./,
    ],
    ["an HTML page", "a.json", Buffer.from("<!doctype html>"), /HTML page/],
  ])(
    "refuses %s from a hub and from a folder, unless the spec allows it",
    async (_, path, bytes, wanted) => {
      await publish(given.world, "m", { [path]: bytes, "b.json": Buffer.from("{}") });
      const folder = join(given.world.folder, "files");
      mkdirSync(folder);
      writeFileSync(join(folder, path), bytes);
      const sources = [
        { huggingface: "nsn/m", revision: "main" },
        { url: pathToFileURL(`${folder}/`).href },
      ];
      for (const source of sources) {
        await expect(lock([path], source)).rejects.toThrow(wanted);
        const { lock: made } = await lock([{ path, allow: "a test" }], source);
        expect(made.models[0]?.files).toMatchObject([{ path, allow: "a test" }]);
        expect(made.layers?.length).toBe(1);
      }
    },
  );
});

describe("models pull", () => {
  it("refuses a file on its way, from the hub and from an image, and leaves nothing of it", async () => {
    const { refused, allowed } = await locks();
    await expect(given.pull({}, refused)).rejects.toThrow(refusal);
    const store = given.world.store();
    await pushModels(allowed, { ...given.world.ports, store }, { platforms: ["linux/amd64"] });
    const [tag = ""] = await store.tags();
    await expect(given.pull({ image: { store, reference: tag } }, refused)).rejects.toThrow(
      refusal,
    );
    expect(given.found()).toEqual([]);
    expect((await given.pull({}, allowed)).files.map(({ state }) => state)).toEqual(["pulled"]);
  });

  it("refuses a file that is there already", async () => {
    const { refused, allowed } = await locks();
    await given.pull({}, allowed);
    await expect(given.pull({}, refused)).rejects.toThrow(refusal);
    expect((await given.pull({}, allowed)).files.map(({ state }) => state)).toEqual(["cached"]);
  });

  it("puts a file in the place of a symbolic link", async () => {
    await given.pull();
    const path = join(given.out, "two/b.safetensors");
    renameSync(path, join(given.world.folder, "elsewhere"));
    symlinkSync(join(given.world.folder, "elsewhere"), path);
    const { files } = await given.pull();
    expect(files.map(({ state }) => state).sort()).toEqual([
      "cached",
      "cached",
      "cached",
      "pulled",
    ]);
    given.expectWhole();
  });
});

describe("models verify", () => {
  it("says type and notes of what passes, and which rule refuses what does not, in a folder and in an image", async () => {
    const { refused, allowed } = await locks();
    const gguf = modelOf("g", { "m.gguf": template() }, { url: "https://example.com/" });
    await given.pull({}, allowed);
    mkdirSync(join(given.out, "g"));
    writeFileSync(join(given.out, "g/m.gguf"), template());
    const store = given.world.store();
    const { result } = await pushModels(
      allowed,
      { ...given.world.ports, store },
      { platforms: ["linux/amd64"] },
    );
    const image = { store, reference: result.digest ?? "" };
    const ports = given.world.ports;
    for (const options of [{ folder: given.out }, { image }]) {
      expect(await verifyModels(refused, ports, options)).toEqual({
        verdict: "failed",
        files: [
          {
            ...{ file: "pickled/model.bin", type: "pickle", verdict: "failed" },
            rule: "pickle-global",
            reason: expect.stringMatching(
              /^the weights gate refuses it \(rule pickle-global\): byte 2/,
            ),
          },
        ],
      });
      expect(await verifyModels(allowed, ports, options)).toMatchObject({
        verdict: "passed",
        files: [{ verdict: "passed", rule: "allowed: a test" }],
      });
    }
    const seen = await verifyModels(openLock(gguf), ports, { folder: given.out });
    expect(seen.files[0]).toMatchObject({
      type: "gguf",
      notes: [
        expect.stringMatching(/^tokenizer\.chat_template of 10 characters, sha256 [0-9a-f]{64}$/),
      ],
    });
  });

  it("fails a file that is a symbolic link, or lies behind one", async () => {
    await given.pull();
    const link = (path: string, at: string) => {
      renameSync(join(given.out, path), join(given.world.folder, at));
      symlinkSync(join(given.world.folder, at), join(given.out, path));
    };
    link("two/b.safetensors", "file");
    link("one/sub", "folder");
    const { verdict, files } = await verifyModels(given.lock, given.world.ports, {
      folder: given.out,
    });
    expect(verdict).toBe("failed");
    expect(files.map(({ file, reason }) => [file, reason])).toEqual([
      ["one/model.safetensors", undefined],
      ["one/sub/config.json", "one/sub is a symbolic link"],
      ["one/sub/other.json", "one/sub is a symbolic link"],
      ["two/b.safetensors", "two/b.safetensors is a symbolic link"],
    ]);
  });
});

function template(): Buffer {
  const text = (value: string) => Buffer.concat([u64(value.length), Buffer.from(value)]);
  const entry = [text("tokenizer.chat_template"), u32(8), text("{{ text }}")];
  const head = Buffer.concat([Buffer.from("GGUF"), u32(3), u64(0, 1), ...entry]);
  return Buffer.concat([head, Buffer.alloc((32 - (head.length % 32)) % 32)]);
}
