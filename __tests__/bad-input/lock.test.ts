import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { type BadWorld, openWorld, refusal } from "./world.ts";

jest.setTimeout(60_000);

let world: BadWorld;
let text: string;
beforeAll(async () => {
  world = await openWorld();
  text = await readFile(join(world.desk.folder, "models.lock.json"), "utf8");
});
afterAll(() => world.close());

const rows: readonly (readonly [string, (lock: string) => string, RegExp])[] = [
  ["is no JSON", (lock) => lock.slice(0, -5), /bad\.json: this is not JSON/],
  [
    "escapes its root",
    (lock) => lock.replaceAll("config.json", "../../etc/passwd"),
    /models\.0\.files\.\d\.path: .*\.\./,
  ],
  [
    "has an absolute path",
    (lock) => lock.replaceAll("config.json", "/etc/passwd"),
    /models\.0\.files\.\d\.path: .*\/etc\/passwd/,
  ],
  [
    "has a path twice",
    (lock) => lock.replaceAll("config.json", "weights.safetensors"),
    /weights\.safetensors" is there twice/,
  ],
  [
    "has a path twice but for its case",
    (lock) => lock.replaceAll("config.json", "Weights.safetensors"),
    /differ by case only/,
  ],
  ["has a malformed hash", (lock) => lock.replace(/[0-9a-f]{64}/, "xyz"), /64 hexadecimal digits/],
  ["has a malformed size", (lock) => lock.replace(/"size": \d+/, '"size": -1'), /size: /],
  ["has an unknown key", (lock) => lock.replace('"root"', '"rot": 1, "root"'), /rot/],
  [
    "has a plain HTTP source",
    (lock) => lock.replace(/"source": \{[^}]*\}/, '"source": { "url": "http://example.com/" }'),
    /source.*http/s,
  ],
];

describe("a lock that", () => {
  it.each(rows)("%s is refused before anything is asked for", async (_, change, says) => {
    const registry = await world.registry();
    await world.desk.write("bad.json", change(text));
    const asked = world.hub.requests.length;
    const said = await world.push(`${registry.host}/weights`, "--lock", "bad.json");
    expect(said.code).toBe(2);
    expect(refusal(said)).toMatch(says);
    expect(said.stderr).toMatch(/^bad\.json: /);
    expect(said.stderr).toContain("director-image models lock");
    expect([registry.requests, world.hub.requests.length]).toEqual([[], asked]);
  });

  it("has a file above GHCR's limit is refused by plan and push, with the way out", async () => {
    const open = JSON.parse(text);
    delete open.layers;
    open.models[0].files[0].size = 11_484_555_394;
    await world.desk.write("huge.json", JSON.stringify(open));
    const other = await world.desk.cli(["models", "plan", "--lock", "huge.json", "--json"]);
    expect(other.code).toBe(0);
    const digest = `sha256:${"0".repeat(64)}`;
    open.layers = JSON.parse(other.stdout).layers.map((layer: object) => ({ ...layer, digest }));
    await world.desk.write("huge.json", JSON.stringify(open));
    const nowhere = { https_proxy: "http://127.0.0.1:9" };
    const answers = await Promise.all(
      ["plan", "push"].map((verb) =>
        world.desk.cli(["models", verb, "--lock", "huge.json", "--to", "ghcr.io/nsn/x"], nowhere),
      ),
    );
    for (const said of answers) {
      expect(said.code).toBe(2);
      expect(refusal(said)).toMatch(/at most 10,000,000,000\.\n.*shards below the limit/);
    }
  });

  it("is not there is refused with the command that writes it", async () => {
    const said = await world.push("oci:x", "--lock", "absent.json");
    expect(said.code).toBe(2);
    expect(refusal(said)).toMatch(/absent\.json cannot be read.*director-image models lock/s);
  });
});
