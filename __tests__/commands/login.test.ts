import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import { type BadWorld, openWorld, refusal } from "../bad-input/world.ts";
import { storeAt } from "../buildx/services.ts";
import type { FakeRegistry } from "../fakes/registry.ts";
import { putRuntime } from "./runtime.ts";

jest.setTimeout(120_000);

const user = { username: "alice", password: "hunter2" };
const login = ["--registry-username", user.username, "--registry-password", user.password];

let world: BadWorld;
let registry: FakeRegistry;
let other: FakeRegistry;
let runtime: string;
beforeAll(async () => {
  world = await openWorld();
  registry = await world.registry({ auth: { scheme: "bearer", ...user } });
  other = await world.registry();
  await mkdir(join(world.desk.folder, "docker"));
  const store = storeAt(`${registry.host}/software`, { registry: registry.host, ...user });
  runtime = `${registry.host}/software@${(await putRuntime(store, "1")).digest}`;
});
afterAll(() => world.close());

/** Runs a command without the log-in, which is refused, and with it. */
async function twice(...args: readonly string[]) {
  const env = { DOCKER_CONFIG: join(world.desk.folder, "docker") };
  const without = await world.desk.cli(args, env);
  expect({ args, code: without.code, said: refusal(without) }).toMatchObject({
    code: 3,
    said: expect.stringContaining("docker login"),
  });
  const said = await world.desk.cli([...args, ...login], env);
  expect({ args, ...said }).toMatchObject({ code: 0 });
  expect(said.stderr + said.stdout).not.toContain(user.password);
  return said.stdout;
}

it("push, pull, verify, assemble and promote take the registry's log-in as build does", async () => {
  const place = `${registry.host}/director`;
  const results = ["--results", "results"];
  const pushed = JSON.parse(await twice("models", "push", "--to", place, "--json"));
  const image = ["--image", `${place}@${pushed.digest}`];
  await twice("models", "pull", "--out", "out", ...image);
  await twice("models", "verify", ...image);
  const made = await twice("assemble", "--runtime", runtime, "--to", place, ...results);
  const untested = ["--allow-untested", "a test", "--force"];
  await twice("promote", made.trim(), "--tag", "1", ...results, ...untested);
  expect([...registry.repository("director").tags].map(([tag]) => tag)).toContain("1");
});

it("another registry is not sent it", async () => {
  const store = storeAt(`${other.host}/software`);
  const { digest } = await putRuntime(store, "2");
  const args = ["assemble", "--runtime", `${other.host}/software@${digest}`, "--to"];
  const said = await world.desk.cli([...args, `${registry.host}/director`, ...login]);
  expect({ code: said.code, stderr: said.stderr }).toMatchObject({ code: 0 });
  expect(other.requests.map(({ authorization }) => authorization).filter(Boolean)).toEqual([]);
});

it("a user without a password is wrong usage", async () => {
  const args = ["models", "push", "--to", `${registry.host}/x`, "--registry-username", "alice"];
  const said = await world.desk.cli(args);
  expect({ code: said.code, said: refusal(said) }).toEqual({
    code: 2,
    said: "registry-password: registry-username was given without it.\n",
  });
});
