import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Said } from "../commands/program.ts";
import { putRuntime } from "../commands/runtime.ts";
import { answer, type Deed, disconnectUploadAfter, type Fault } from "../fakes/faults.ts";
import type { FakeRegistry } from "../fakes/registry.ts";
import type { RegistryBehaviour } from "../fakes/registry-state.ts";
import { open } from "../stores/ports.ts";
import { type BadWorld, openWorld, refusal } from "./world.ts";

jest.setTimeout(120_000);

let world: BadWorld;
/** Half a minute of attempts at a registry that breaks every upload, begun before the other tests. */
let broken: { registry: FakeRegistry; faults: Fault[]; said: Promise<Said> };
beforeAll(async () => {
  world = await openWorld();
  const faults: Fault[] = [{ method: "PATCH", does: disconnectUploadAfter(0) }];
  const registry = await world.registry({}, faults);
  broken = { registry, faults, said: world.push(`${registry.host}/weights`) };
});
afterAll(() => world.close());

const published = (registry: FakeRegistry, name = "weights") => [
  ...registry.repository(name).tags.keys(),
];
const modelsTag = expect.stringMatching(/^models-[0-9a-f]{12}$/);

describe("a registry that for a moment", () => {
  const rows: readonly (readonly [string, RegistryBehaviour, Deed | undefined])[] = [
    ["forgets an upload", { forgetUploads: 1 }, undefined],
    ["disconnects in mid-blob", {}, disconnectUploadAfter(500_000)],
    ["is busy", {}, answer(503)],
    ["loses a blob between upload and manifest", { loseLayers: 1 }, undefined],
  ];

  it.each(rows)("%s does not stop a push", async (_, behaviour, does) => {
    const method = "PATCH";
    const faults = does === undefined ? [] : [{ method, nth: 1, does }];
    const registry = await world.registry(behaviour, faults);
    const said = await world.push(`${registry.host}/weights`);
    expect(said).toMatchObject({ code: 0 });
    expect(published(registry)).toEqual([modelsTag]);
    const { bytesUploaded } = JSON.parse((await world.push(`${registry.host}/weights`)).stdout);
    expect(bytesUploaded).toBe(0);
  });
});

describe("a registry that for good", () => {
  const rows: readonly (readonly [string, RegistryBehaviour, RegExp])[] = [
    ["refuses", { readOnly: true }, /answered 403 \(DENIED: denied\)\.\n.*lacks the right/],
    ["loses every layer", { loseLayers: 99 }, /misses what the manifest names/],
  ];

  it.each(rows)("%s gets no tag, and the message is the registry's own", async (_, how, says) => {
    const registry = await world.registry(how);
    const said = await world.push(`${registry.host}/weights`);
    expect(said.code).toBe(3);
    expect(refusal(said)).toMatch(says);
    expect(published(registry)).toEqual([]);
    expect(registry.uploadsOpen()).toBe(0);
  });
});

it("a mount that is answered with 202 becomes an upload", async () => {
  const registry = await world.registry({ mount: "accepted" });
  expect((await world.push(`${registry.host}/first`)).code).toBe(0);
  const from = ["--mount-from", `${registry.host}/first`];
  const said = await world.push(`${registry.host}/second`, ...from);
  expect(said.code).toBe(0);
  expect(JSON.parse(said.stdout).layers).toMatchObject([{ state: "uploaded" }]);
  const mounts = registry.requests.filter(({ url }) => url.includes("mount="));
  expect(mounts.length).toBeGreaterThan(0);
  expect(published(registry, "second")).toEqual([modelsTag]);
  expect(registry.uploadsOpen()).toBe(0);
});

describe("a candidate whose tags are moved", () => {
  /** Assembles a candidate in a registry where 1.0 and latest point at something older. */
  async function candidate(faults: Fault[]) {
    const registry = await world.registry({}, faults);
    const place = `${registry.host}/weights`;
    const runtime = await putRuntime(open(place), "1");
    expect((await world.push(place)).code).toBe(0);
    const assemble = (epoch: string, results: string) =>
      world.desk.cli(
        [
          ...["assemble", "--runtime", `${place}@${runtime.digest}`, "--to", place],
          ...["--results", results, "--json"],
        ],
        { SOURCE_DATE_EPOCH: epoch },
      );
    const promote = (said: Said, results: string, env = {}) =>
      world.desk.start(
        [
          ...["promote", `${place}@${JSON.parse(said.stdout).digest}`, "--results", results],
          ...["--tag", "1.0", "--tag", "latest", "--allow-untested", "a test"],
        ],
        env,
      );
    const old = await assemble("1000000000", "old");
    expect((await promote(old, "old").ended).code).toBe(0);
    const fresh = await assemble("1700000000", "fresh");
    const tags = registry.repository("weights").tags;
    const digest = (said: Said) => JSON.parse(said.stdout).digest as string;
    return {
      tags,
      old: digest(old),
      fresh: digest(fresh),
      promote: () => promote(fresh, "fresh"),
    };
  }

  it("by somebody else meanwhile goes back to where it was, and a repeat completes", async () => {
    const faults: Fault[] = [];
    const { tags, old, fresh, promote } = await candidate(faults);
    const other = [...tags.values()].find((digest) => digest !== old) ?? "";
    const moves: Deed = (next) => (request, response) => {
      tags.set("latest", other);
      next(request, response);
    };
    faults.push({ method: "PUT", path: "manifests/1.0", nth: 1, does: moves });
    const said = await promote().ended;
    expect(said.code).toBe(3);
    expect(refusal(said)).toMatch(/latest was moved by somebody else meanwhile/);
    expect(said.stderr).toContain("every tag is where it was before");
    expect([tags.get("1.0"), tags.get("latest")]).toEqual([old, other]);
    tags.set("latest", old);
    expect((await promote().ended).code).toBe(0);
    expect([tags.get("1.0"), tags.get("latest")]).toEqual([fresh, fresh]);
  });

  it("and interrupted between two tags are put back, and a repeat completes", async () => {
    const faults: Fault[] = [];
    const { tags, old, fresh, promote } = await candidate(faults);
    const running: { stop?: () => void } = {};
    const hold: Deed = () => () => running.stop?.();
    faults.push({ method: "PUT", path: "manifests/latest", nth: 1, does: hold });
    const { child, ended } = promote();
    running.stop = () => child.kill("SIGTERM");
    const said = await ended;
    expect(said.code).toBe(143);
    expect(refusal(said)).toMatch(/every tag is where it was before.*Interrupted by SIGTERM/s);
    expect([tags.get("1.0"), tags.get("latest")]).toEqual([old, old]);
    expect((await promote().ended).code).toBe(0);
    expect([tags.get("1.0"), tags.get("latest")]).toEqual([fresh, fresh]);
  });
});

it("a registry that breaks every upload is given up after five attempts, and a repeat completes", async () => {
  const { registry, faults } = broken;
  const said = await broken.said;
  expect(said.code).toBe(3);
  expect(refusal(said)).toMatch(/Retry 5\/5 in .*Given up after 5 attempts/s);
  expect(published(registry)).toEqual([]);
  faults.splice(0);
  expect((await world.push(`${registry.host}/weights`)).code).toBe(0);
  expect(published(registry)).toEqual([modelsTag]);
});
