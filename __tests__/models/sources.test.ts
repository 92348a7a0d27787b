import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { RemoteError } from "../../src/errors.ts";
import { sourceReader } from "../../src/models/file-reader.ts";
import { content, reading } from "./reading.ts";

const given = reading();

describe("a repository that is not open to everybody", () => {
  const gated = async (token?: string) => {
    await given.anew({ gated: ["nsn/one"], token: "right" });
    const hub = {
      endpoint: new URL(given.world.hub.endpoint),
      ...(token === undefined ? {} : { token }),
    };
    const ports = { ...given.world.ports, hub };
    for await (const _ of sourceReader("/models", given.file(), ports).open(0));
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
    const cdn = given.world.hub.requests.filter(({ server }) => server === "cdn");
    expect(cdn.map(({ status, headers }) => [status, headers.authorization])).toEqual([
      [200, undefined],
    ]);
  });
});

describe("a folder of this machine", () => {
  it("is a source like any other", async () => {
    writeFileSync(join(given.world.folder, "model.safetensors"), content);
    const source = { url: pathToFileURL(given.world.folder).href };
    expect((await given.read(0, { source })).equals(content)).toBe(true);
    expect((await given.read(399_999, { source })).equals(content.subarray(399_999))).toBe(true);
  });

  it.each([
    ["a file of another size", content.subarray(1), /has 399,999 bytes/],
    ["other bytes", Buffer.from(content).fill(7, 200_000, 200_001), /with sha256/],
    ["no such file", undefined, /is not there/],
  ])("with %s is refused", async (_, bytes, message) => {
    if (bytes !== undefined) writeFileSync(join(given.world.folder, "model.safetensors"), bytes);
    await expect(
      given.read(0, { source: { url: pathToFileURL(given.world.folder).href } }),
    ).rejects.toThrow(message);
  });
});
