import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { until } from "../commands/program.ts";
import { disconnectUploadAfter, type Fault, silence, stallAfter } from "../fakes/faults.ts";
import { type BadWorld, openWorld, refusal } from "./world.ts";

jest.setTimeout(120_000);

let world: BadWorld;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const signals = [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const;
const again = "Run the same again: it goes on where it stopped.";

describe.each(signals)("%s", (signal, code) => {
  it("in mid-stream takes the upload back, publishes nothing, and a repeat completes", async () => {
    const registry = await world.registry();
    const place = `${registry.host}/weights`;
    world.faults.push({ method: "GET", path: "weights", does: stallAfter(700_000) });
    const { child, ended } = world.desk.start(["models", "push", "--to", place, "--json"]);
    await until("an upload", () => registry.requests.some(({ method }) => method === "PATCH"));
    await setTimeout(200);
    child.kill(signal);
    const said = await ended;
    world.faults.splice(0);
    expect(said.code).toBe(code);
    expect(refusal(said)).toContain(`Interrupted by ${signal}.\n  ${again}`);
    expect([...registry.repository("weights").tags]).toEqual([]);
    expect(registry.uploadsOpen()).toBe(0);
    expect(await readdir(world.desk.temporary)).toEqual([]);
    expect((await world.push(place)).code).toBe(0);
  });

  it("while the registry is silent ends at once", async () => {
    const faults: Fault[] = [{ does: silence() }];
    const registry = await world.registry({}, faults);
    const { child, ended } = world.desk.start(["models", "push", "--to", `${registry.host}/w`]);
    await until("a request", () => registry.requests.length > 0);
    const begun = Date.now();
    child.kill(signal);
    expect((await ended).code).toBe(code);
    expect(Date.now() - begun).toBeLessThan(5_000);
  });

  it("in the middle of a pull keeps what came for the repeat", async () => {
    const out = `pulled-${signal}`;
    const args = ["models", "pull", "--out", out, "--json"];
    world.faults.push({ method: "GET", path: "weights", does: stallAfter(1_500_000) });
    const { child, ended } = world.desk.start(args);
    const folder = join(world.desk.folder, out, "big");
    await until("a part", async () => existsSync(folder) && (await readdir(folder)).length > 1);
    await setTimeout(300);
    child.kill(signal);
    const said = await ended;
    world.faults.splice(0);
    expect(said.code).toBe(code);
    expect(refusal(said)).toContain(again);
    expect(existsSync(join(folder, "weights.safetensors"))).toBe(false);
    const repeat = await world.desk.cli(args);
    expect(repeat.code).toBe(0);
    expect(JSON.parse(repeat.stdout).bytesRead).toBeLessThan(2_000_000);
    expect((await readdir(folder)).sort()).toEqual(["config.json", "weights.safetensors"]);
  });
});

it("a signal while waiting for the next attempt ends the wait", async () => {
  const faults: Fault[] = [{ method: "PATCH", does: disconnectUploadAfter(0) }];
  const registry = await world.registry({}, faults);
  const { child, ended } = world.desk.start(["models", "push", "--to", `${registry.host}/w`]);
  let text = "";
  child.stderr?.on("data", (piece) => {
    text += piece;
  });
  await until("the third attempt", () => text.includes("Retry 3/5"));
  const begun = Date.now();
  child.kill("SIGTERM");
  expect((await ended).code).toBe(143);
  expect(Date.now() - begun).toBeLessThan(3_000);
});

it("the same signal again ends at once what still cleans up", async () => {
  const faults: Fault[] = [{ method: "DELETE", does: silence() }];
  const registry = await world.registry({}, faults);
  world.faults.push({ method: "GET", path: "weights", does: stallAfter(700_000) });
  const { child, ended } = world.desk.start(["models", "push", "--to", `${registry.host}/w`]);
  await until("an upload", () => registry.requests.some(({ method }) => method === "PATCH"));
  child.kill("SIGINT");
  await until("the cleaning up", () => registry.requests.some(({ method }) => method === "DELETE"));
  const begun = Date.now();
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  world.faults.splice(0);
  expect(Date.now() - begun).toBeLessThan(2_000);
});
