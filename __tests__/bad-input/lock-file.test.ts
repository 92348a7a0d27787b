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
