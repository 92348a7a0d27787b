import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import {
  answer,
  corruptAt,
  type Deed,
  disconnectAfter,
  extendBy,
  truncateTo,
} from "../fakes/faults.ts";
import type { FakeRegistry } from "../fakes/registry.ts";
import { type BadWorld, openWorld, refusal } from "./world.ts";

jest.setTimeout(120_000);

let world: BadWorld;
let registry: FakeRegistry;
beforeAll(async () => {
  world = await openWorld();
  registry = await world.registry();
});
afterAll(() => world.close());

const page = "<!DOCTYPE html><html><body>Please log in</body></html>";
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 2000064\n`;
const rows: readonly (readonly [string, Deed, number, RegExp])[] = [
  ["other bytes", corruptAt(1_000_000), 1, /weights\.safetensors.*sha256/s],
  ["fewer bytes", truncateTo(1_000_000), 1, /weights\.safetensors.*1,000,000/s],
  ["more bytes", extendBy(10, { chunked: true }), 1, /weights\.safetensors.*more bytes/s],
  [
    "an HTML page",
    answer(200, { body: page, headers: { "content-type": "text/html" } }),
    1,
    /HTML/,
  ],
  ["a git-lfs pointer", answer(200, { body: pointer }), 1, /git-lfs pointer/],
  ["404", answer(404), 3, /HTTP 404 .*\n.*moved or removed/],
  ["401", answer(401), 3, /HTTP 401, no token was sent.*\n.*hub-token, or the variable HF_TOKEN/],
  [
    "429 for an hour",
    answer(429, { headers: { "retry-after": "3600" } }),
    3,
    /HTTP 429 .* It asks to wait 3,600 s\./,
  ],
];

describe("a source that serves", () => {
  it.each(rows)("%s publishes nothing, and a repeat completes", async (what, does, code, says) => {
    const name = `source/${what.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
    const place = `${registry.host}/${name}`;
    const fault = { method: "GET", path: "weights.safetensors", does };
    world.faults.push(fault);
    const said = await world.push(place);
    world.faults.splice(0);
    expect({ what, code: said.code, stderr: said.stderr }).toMatchObject({ what, code });
    expect(refusal(said)).toMatch(says);
    const seen = registry.repository(name);
    expect([...seen.tags.keys(), ...seen.manifests.keys()]).toEqual([]);
    expect(registry.uploadsOpen()).toBe(0);
    expect((await world.push(place)).code).toBe(0);
    expect([...seen.tags.keys()]).toEqual([expect.stringMatching(/^models-/)]);
  });

  it("half of a file goes on at the byte reached, and says so", async () => {
    const fault = { method: "GET", path: "weights", nth: 2, does: disconnectAfter(900_000) };
    world.faults.push(fault);
    const said = await world.push(`${registry.host}/source/half`);
    world.faults.splice(0);
    expect(said.code).toBe(0);
    expect(said.stderr).toMatch(/Retry 2\/5 in \ds\.\.\./);
    expect(JSON.parse(said.stdout).bytesRead).toBeLessThan(2_100_000);
  });
});

it("a pull of other bytes leaves no file, and a repeat completes", async () => {
  world.faults.push({ method: "GET", path: "weights.safetensors", does: corruptAt(5) });
  const args = ["models", "pull", "--out", "pulled", "--json"];
  const said = await world.desk.cli(args);
  world.faults.splice(0);
  expect(said.code).toBe(1);
  expect(refusal(said)).toContain("big/weights.safetensors");
  const checked = await world.desk.cli(["models", "verify", "--dir", "pulled"]);
  expect(checked.stdout).toContain("failed  big/weights.safetensors: is not there");
  expect((await world.desk.cli(args)).code).toBe(0);
});

describe("a gated repository", () => {
  it("says which token it wants, takes it, and no other host sees it", async () => {
    const gated = await openWorld({ gated: ["nsn/big"], token: "hf_secret" });
    try {
      const store = await gated.registry();
      const without = await gated.push(`${store.host}/gated`);
      expect(without.code).toBe(3);
      expect(refusal(without)).toMatch(/gated.*hub-token, or the variable HF_TOKEN/s);
      const wrong = await gated.push(`${store.host}/gated`, "--hub-token", "hf_wrong");
      expect(wrong.code).toBe(3);
      expect(refusal(wrong)).toMatch(/with the token that was sent/);
      expect(wrong.stderr).not.toContain("hf_wrong");
      expect((await gated.push(`${store.host}/gated`, "--hub-token", "hf_secret")).code).toBe(0);
      expect(JSON.stringify(store.requests)).not.toContain("hf_secret");
    } finally {
      await gated.close();
    }
  });
});
