import { cp, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import type { ScanResult } from "../../src/results/stages.ts";
import { putRuntime } from "../commands/runtime.ts";
import { answer, type Fault, noted } from "../fakes/faults.ts";
import { type RegistryProcess, startRegistryProcess } from "../fakes/registry-process.ts";
import { startProxy } from "../fakes/registry-proxy.ts";
import { service } from "../fakes/service.ts";
import { open } from "../stores/ports.ts";
import { metadataOf, pushDatabase } from "../trivy/database-artifact.ts";
import { run } from "./workspace.ts";

jest.setTimeout(120_000);

const node = join(process.cwd(), "node_modules", ".bin", "node");
const hour = 3_600_000;
const ago = (hours: number) => new Date(Date.now() - hours * hour);

let folder = "";
let registry: RegistryProcess;
let proxy: { readonly host: string; close(): Promise<void> };
const asked: string[] = [];
const faults: Fault[] = [{ does: noted(asked) }];
const blobs = () => asked.filter((line) => /^GET .*\/blobs\//.test(line)).length;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scan-database-"));
  registry = await startRegistryProcess();
  proxy = await startProxy(registry.host, faults);
  await putRuntime(open(`oci:${folder}/image`), "1").then((index) =>
    open(`oci:${folder}/image`).putManifest(index, "1"),
  );
  const place = `${registry.host}/mirror/trivy-db`;
  await pushDatabase(place, "2", ago(1));
  await pushDatabase(place, "old", ago(100));
  await pushDatabase(place, "cut", ago(1), (layer) => layer.subarray(0, layer.length / 2));
});
afterAll(async () => {
  await proxy?.close();
  await registry?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A scan of an image that needs no packages, so that the database is all that matters. */
async function scan(database: string, ...more: readonly string[]) {
  const said = await run(
    node,
    [
      ...[join(process.cwd(), "src/cli.ts"), "scan", `oci:${folder}/image:1`, "--json"],
      ...["--platform", "linux/amd64", "--min-packages", "0", "--trivy-db", database, ...more],
    ],
    folder,
    { RUNNER_TEMP: folder, XDG_CACHE_HOME: join(folder, "cache") },
  );
  const result = said.stdout === "" ? undefined : (JSON.parse(said.stdout) as ScanResult);
  return { ...said, result };
}

const mirror = (tag: string) => `${proxy.host}/mirror/trivy-db:${tag}`;
const kept = () => join(folder, "cache", "director-image", "trivy-db");

it("a database comes from a registry once, and is kept", async () => {
  const first = await scan(mirror("2"));
  expect({ code: first.code, stderr: first.stderr }).toMatchObject({ code: 0 });
  expect(first.result?.database).toMatchObject({ source: mirror("2") });
  expect(blobs()).toBe(1);
  const second = await scan(mirror("2"));
  expect(second.result?.database).toEqual(first.result?.database);
  expect(blobs()).toBe(1);
});

it("what is kept and was damaged since is replaced", async () => {
  const [name = ""] = await readdir(kept());
  await truncate(join(kept(), name, "db", "trivy.db"), 20_000);
  const { code, stderr } = await scan(mirror("2"));
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(/is replaced: .*ends after 20000 of \d+ bytes/);
  expect(await readdir(kept())).toHaveLength(1);
});

it("an old one is refused unless it is allowed", async () => {
  const refused = await scan(mirror("old"));
  expect({ code: refused.code, result: refused.result }).toEqual({ code: 1, result: undefined });
  expect(refused.stderr).toMatch(/is 100 h old .* and may be 72 h[\s\S]*trivy-db-max-age/);
  const allowed = await scan(mirror("old"), "--trivy-db-max-age", "200h");
  expect(allowed).toMatchObject({ code: 0, result: { database: { source: mirror("old") } } });
});

it.each([
  ["one that is half there", "cut"],
  ["one that is not there", "none"],
])("%s ends the scan, and leaves nothing behind", async (_, tag) => {
  const { code, stderr, result } = await scan(mirror(tag));
  expect({ code, result }).toEqual({ code: 3, result: undefined });
  expect(stderr).toMatch(/No vulnerability database could be had\. .*[\s\S]*trivy-db/);
  expect((await readdir(folder)).filter((name) => name.startsWith("director-image"))).toEqual([]);
});

it("a registry that asks for patience gets it", async () => {
  await rm(kept(), { recursive: true });
  const busy = answer(429, { headers: { "retry-after": "1" } });
  faults.push({ method: "GET", path: "/blobs/", nth: 1, does: busy });
  const { code, stderr } = await scan(mirror("2"));
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(/HTTP 429, asks for 1s/);
});

it("a folder serves where nothing can be reached", async () => {
  const place = join(folder, "mine");
  await mkdir(place);
  await cp(join(service("TEST_TRIVY_DB"), "db", "trivy.db"), join(place, "trivy.db"));
  await writeFile(join(place, "metadata.json"), metadataOf(ago(2)));
  expect(await scan("./mine")).toMatchObject({ code: 0, result: { database: { source: place } } });
});

it.each<[string, (place: string) => Promise<unknown>, number, RegExp]>([
  ["is not there", (place) => rm(place, { recursive: true }), 2, /trivy-db: there is no folder/],
  ["has no database", (place) => rm(join(place, "trivy.db")), 1, /is not all there/],
  ["has no metadata", (place) => rm(join(place, "metadata.json")), 1, /is not all there/],
  [
    "is of another schema",
    (place) => writeFile(join(place, "metadata.json"), '{"Version":1}'),
    1,
    /no metadata.json of schema 2/,
  ],
  [
    "is old",
    (place) => writeFile(join(place, "metadata.json"), metadataOf(ago(73))),
    1,
    /is 73 h old/,
  ],
  ["is cut", (place) => truncate(join(place, "trivy.db"), 30_000), 1, /ends after 30000/],
  [
    "is no database",
    (place) => writeFile(join(place, "trivy.db"), "x".repeat(70_000)),
    1,
    /not a vulnerability database/,
  ],
])("a folder that %s is refused", async (what, spoil, code, says) => {
  const place = join(folder, `spoilt ${what}`);
  await cp(join(service("TEST_TRIVY_DB"), "db"), place, { recursive: true });
  await spoil(place);
  const said = await scan(place);
  expect({ code: said.code, stderr: said.stderr }).toEqual({
    code,
    stderr: expect.stringMatching(says),
  });
});
