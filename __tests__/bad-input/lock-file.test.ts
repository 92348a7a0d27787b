import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { type BadWorld, openWorld, refusal } from "./world.ts";

jest.setTimeout(60_000);

let world: BadWorld;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const lock = (path: string, ...more: readonly string[]) =>
  world.desk.cli(["models", "lock", "--lock", path, ...more]);

describe("models lock, told to write where it cannot", () => {
  it.each([
    ["a folder that is not there", "no/such/x.lock", /there is no folder no\/such\./],
    ["a file taken for a folder", "models.json/x.lock", /models\.json is no folder\./],
  ])("%s, says so before anything is asked for", async (_, path, says) => {
    const asked = world.hub.requests.length;
    const said = await lock(path);
    expect(said.code).toBe(2);
    expect(refusal(said)).toMatch(/^--lock: /);
    expect(said.stderr).toMatch(says);
    expect(world.hub.requests.length).toBe(asked);
  });
});

describe("models lock over a lock that is broken", () => {
  it("says how to go on, and leaves it as it is", async () => {
    const path = await world.desk.write("broken.lock", "{ not JSON");
    const said = await lock("broken.lock");
    expect(said.code).toBe(2);
    expect(refusal(said)).toMatch(
      /^broken\.lock: this is not JSON\.\n.*\n? {2}Remove it, or give --repack/,
    );
    expect(await readFile(path, "utf8")).toBe("{ not JSON");
  });

  it("replaces it with --repack, and warns", async () => {
    const path = await world.desk.write("older.lock", '{ "version": 0 }');
    const said = await lock("older.lock", "--repack");
    expect(said.code).toBe(0);
    expect(said.stderr).toMatch(/older\.lock: version: wanted 1.* It is replaced: /);
    const usual = await readFile(`${world.desk.folder}/models.lock.json`, "utf8");
    expect(await readFile(path, "utf8")).toBe(usual);
  });

  it("does not take a folder for no lock", async () => {
    const asked = world.hub.requests.length;
    await world.desk.write("folder.lock/x", "");
    const said = await lock("folder.lock", "--repack");
    expect(said.code).toBe(2);
    expect(refusal(said)).toMatch(/^--lock: folder\.lock is no file\./);
    expect(world.hub.requests.length).toBe(asked);
  });
});
