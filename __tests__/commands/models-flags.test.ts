import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { type BadWorld, openWorld, refusal } from "../bad-input/world.ts";
import type { FakeRegistry } from "../fakes/registry.ts";

jest.setTimeout(60_000);

let world: BadWorld;
let registry: FakeRegistry;
beforeAll(async () => {
  world = await openWorld();
  registry = await world.registry();
});
afterAll(() => world.close());

const digest = `sha256:${"a".repeat(64)}`;
const push = (to: string, ...more: string[]) => ["models", "push", "--to", to, ...more];

describe("flags that mean nothing, or contradict one another", () => {
  it.each<[string, (host: string) => readonly string[], RegExp]>([
    ["no platform", (host) => push(`${host}/x`, "--platforms", ""), /^--platforms: .*at least one/],
    [
      "a platform twice, by whatever name",
      (host) => push(`${host}/x`, "--platforms", "linux/arm64,linux/arm64/v8"),
      /^--platforms: linux\/arm64 is there twice\./,
    ],
    [
      "a digest for what is written",
      (host) => push(`${host}/x@${digest}`),
      /^--to: a digest .*: sha256:a{64}\./,
    ],
    [
      "a copy from nowhere",
      (host) => push(`${host}/x`, "--allow-copy"),
      /^--allow-copy: .* without --mount-from\./,
    ],
    [
      "a mount from another registry",
      (host) => push(`${host}/x`, "--mount-from", "ghcr.io/nsn/director"),
      /^--mount-from: ghcr\.io\/nsn\/director is not in the registry of --to 127\.0\.0\.1:\d+\/x\./,
    ],
    [
      "a mount from a layout",
      (host) => push(`${host}/x`, "--mount-from", "oci:there"),
      /^--mount-from: oci:there is not/,
    ],
    [
      "a mount into a layout",
      () => push("oci:here", "--mount-from", "oci:there", "--allow-copy"),
      /^--mount-from: oci:there is not/,
    ],
    ["no folder to fill", () => ["models", "pull", "--out", ""], /^--out: no folder was named\./],
    ["no folder to look at", () => ["models", "verify", "--dir", ""], /^--dir: no folder/],
  ])("such as %s are refused by name", async (_, args, says) => {
    const before = await readdir(world.desk.folder);
    const asked = world.hub.requests.length;
    const said = await world.desk.cli(args(registry.host));
    expect(said.code).toBe(2);
    expect(refusal(said)).toMatch(says);
    expect([registry.requests, world.hub.requests.length]).toEqual([[], asked]);
    expect(await readdir(world.desk.folder)).toEqual(before);
  });
});
