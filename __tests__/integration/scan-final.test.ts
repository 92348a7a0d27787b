import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import type { ScanResult } from "../../src/results/stages.ts";
import { type Desk, openDesk, type Said, until } from "../commands/program.ts";
import { answer, type Deed, type Fault, noted, stallAfter } from "../fakes/faults.ts";
import { type RegistryProcess, startRegistryProcess } from "../fakes/registry-process.ts";
import { startProxy } from "../fakes/registry-proxy.ts";
import { githubErrors, schemaErrors } from "../fakes/sarif-checks.ts";
import { service } from "../fakes/service.ts";
import { pushImages } from "../trivy/images.ts";

jest.setTimeout(120_000);

let desk: Desk;
let registry: RegistryProcess;
/** Stands before the registry and notes what is asked of it. */
let proxy: { readonly host: string; close(): Promise<void> };
const asked: string[] = [];
/** A final image: a model below a runtime with a critical weakness. */
let image = "";

beforeAll(async () => {
  desk = await openDesk();
  registry = await startRegistryProcess();
  proxy = await startProxy(registry.host, [{ does: noted(asked) }]);
  await pushImages(registry.host, ["clean", "critical"]);
  await desk.write("weights/one/a.txt", "weights of one\n".repeat(100_000));
  const source = { url: `file://${desk.folder}/weights/one/` };
  const model = { name: "one", title: "One", delivery: "bake", license: "mit", files: ["a.txt"] };
  const spec = { version: 1, root: "/models", models: [{ ...model, source }] };
  await desk.write("models.json", JSON.stringify(spec));
  const place = `${proxy.host}/critical`;
  await well("models", "lock");
  await well("models", "push", "--to", place);
  image = (await well("assemble", "--runtime", `${place}:1`, "--to", place)).stdout.trim();
}, 600_000);
afterAll(async () => {
  await proxy?.close();
  await registry?.close();
  await desk?.remove();
});

async function well(...args: readonly string[]): Promise<Said> {
  const said = await desk.cli(args);
  if (said.code !== 0) throw new Error(said.stderr);
  return said;
}

const scanOf = (reference: string) => ["scan", reference, "--trivy-db", database()];
const database = () => service("TEST_TRIVY_DB");
const platformOf = ({ stdout }: Said) => (JSON.parse(stdout) as ScanResult).platforms[0];

it("an image with weights is scanned without one byte of them", async () => {
  asked.length = 0;
  const said = await desk.cli([...scanOf(image), "--json"]);
  const blobs = asked.filter((line) => /^GET .*\/blobs\//.test(line));
  const runtime = await desk.cli([...scanOf(`${registry.host}/critical:1`), "--json"]);
  expect({ code: said.code, of: runtime.code }).toEqual({ code: 1, of: 1 });
  const { packages, diffIds, findings } = platformOf(runtime) ?? {};
  expect(platformOf(said)).toMatchObject({ packages, diffIds, findings });
  const { layers } = JSON.parse(await readFile(join(desk.folder, "models.lock.json"), "utf8"));
  for (const { digest } of layers) expect(asked.join("\n")).not.toContain(digest);
  expect(blobs).toHaveLength((diffIds?.length ?? 0) + 1);
});

it("the findings are written as SARIF, and what is in the image as two bills of materials", async () => {
  const views = ["--sarif-file", "out/a.sarif", "--sbom", "out", "--lock", "models.lock.json"];
  expect((await desk.cli([...scanOf(image), ...views])).code).toBe(1);
  const read = async (name: string) =>
    JSON.parse(await readFile(join(desk.folder, "out", name), "utf8"));
  const sarif = await read("a.sarif");
  expect([...schemaErrors(sarif), ...githubErrors(sarif)]).toEqual([]);
  expect(JSON.stringify(sarif.runs[0].results)).toContain("CVE-2026-1001");
  expect((await read("sbom-linux-amd64.cdx.json")).components).toContainEqual(
    expect.objectContaining({ type: "machine-learning-model", name: "one" }),
  );
  expect((await read("sbom-linux-amd64.spdx.json")).packages).toContainEqual(
    expect.objectContaining({ name: "one", licenseDeclared: "MIT" }),
  );
});

it("a lock without a bill of materials is refused", async () => {
  const said = await desk.cli([...scanOf(image), "--lock", "models.lock.json"]);
  expect(said.code).toBe(2);
  expect(said.stderr).toContain("--lock says what is in the bill of materials: give --sbom, too.");
});

const blobFault = (does: Deed): Fault => ({ method: "GET", path: "/blobs/", does });

it("a registry that breaks in the middle of a scan is what the error says, and not Trivy", async () => {
  const broken = await startProxy(registry.host, [blobFault(answer(404))]);
  try {
    const said = await desk.cli(scanOf(`${broken.host}/clean:1`));
    expect(said.code).toBe(3);
    expect(said.stderr).toContain(broken.host);
  } finally {
    await broken.close();
  }
});

it("Ctrl-C in the middle of a scan ends Trivy, and leaves nothing", async () => {
  const stalled: string[] = [];
  const stalling: Deed = (next) => {
    const stall = stallAfter(100_000)(next);
    return (request, response) => {
      // The config is the first blob: only what Trivy asks for stalls.
      if (stalled.push(request.url ?? "") > 1) stall(request, response);
      else next(request, response);
    };
  };
  const slow = await startProxy(registry.host, [blobFault(stalling)]);
  try {
    const running = desk.start(scanOf(`${slow.host}/clean:1`), {}, { detached: true });
    await until("a layer", () => stalled.length > 1);
    const group = -(running.child.pid ?? 0);
    process.kill(group, "SIGINT");
    expect((await running.ended).code).toBe(130);
    expect(() => process.kill(group, 0)).toThrow("ESRCH");
    expect(await readdir(desk.temporary)).toEqual([]);
  } finally {
    await slow.close();
  }
});
