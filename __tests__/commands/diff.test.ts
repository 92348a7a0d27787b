import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { ScanResult } from "../../src/results/stages.ts";
import { open } from "../stores/ports.ts";
import { type Desk, openDesk } from "./program.ts";
import { putRuntime } from "./runtime.ts";
import { writeSpec } from "./weights.ts";

jest.setTimeout(120_000);

let desk: Desk;
let old: string;
let now: string;

beforeAll(async () => {
  desk = await openDesk();
  await writeSpec(desk);
  await must("models", "lock");
  old = await assemble("1");
  await desk.write("weights/one/config.json", '{"a":2}\n');
  await must("models", "lock", "--update");
  now = await assemble("2");
});
afterAll(() => desk.remove());

async function must(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await desk.cli(args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** The runtime of a version with the weights of the lock as it is. */
async function assemble(version: string): Promise<string> {
  const to = `oci:${desk.folder}/${version}`;
  await must("models", "push", "--to", to);
  const { digest } = await putRuntime(open(`${to}-runtime`), version);
  const runtime = `${to}-runtime@${digest}`;
  const made = JSON.parse(await must("assemble", "--runtime", runtime, "--to", to, "--json"));
  return `${to}@${made.digest}`;
}

/** What a scan of the image's amd64 half would say. */
async function scanOf(image: string, version: string, ids: readonly string[]): Promise<string> {
  const said = JSON.parse(await must("diff", image, image, "--json"));
  const [{ platform, to }] = said.platforms;
  const scan: ScanResult = {
    verdict: "passed",
    platforms: [
      {
        ...{ platform, digest: to },
        installed: [{ package: "libc6", version, ecosystem: "debian" }],
        findings: ids.map((id) => ({
          ...{ kind: "vulnerability" as const, id, package: "libc6", severity: "HIGH" as const },
          installed: version,
        })),
      },
    ],
  };
  return desk.write(`scan-${version}.json`, JSON.stringify(scan));
}

describe("diff", () => {
  it("finds nothing between an image and itself", async () => {
    expect(JSON.parse(await must("diff", now, now, "--json"))).toMatchObject({
      changed: false,
      platforms: [
        { platform: "linux/amd64", bytes: { download: 0, unpack: 0 } },
        { platform: "linux/arm64", bytes: { download: 0, unpack: 0 } },
      ],
      models: { files: [], revisions: [] },
    });
  });

  it("tells layers by what they are, and models by their locks", async () => {
    const changes = JSON.parse(await must("diff", old, now, "--json"));
    const [amd64] = changes.platforms;
    expect(changes).toMatchObject({
      changed: true,
      models: { files: [{ file: "one/config.json", change: "changed" }] },
    });
    const states = amd64.layers.map(
      (layer: Record<string, string>) => `${layer["part"]} ${layer["state"]}`,
    );
    expect(states).toEqual(["models new", "runtime new", "lock new"]);
    const added = amd64.layers.filter(({ state }: { state: string }) => state === "new");
    expect(amd64.bytes.download).toBe(
      added.reduce((sum: number, { size }: { size: number }) => sum + size, 0),
    );
    expect(changes.notes).toEqual([
      "packages and vulnerabilities of linux/amd64, linux/arm64 are not compared: there are no scans of both images",
    ]);
  });

  it("compares packages and vulnerabilities where there are scans, and writes the report", async () => {
    const [before, after] = [
      await scanOf(old, "2.36-9", ["CVE-1", "CVE-2"]),
      await scanOf(now, "2.36-10", ["CVE-2", "CVE-3"]),
    ];
    const scans = ["--old-scan", before, "--new-scan", after, "--out", "changes.md"];
    const changes = JSON.parse(await must("diff", old, now, ...scans, "--json"));
    expect(changes.platforms[0]).toMatchObject({
      packages: [{ package: "libc6", ecosystem: "debian", from: "2.36-9", to: "2.36-10" }],
      vulnerabilities: { fixed: [{ id: "CVE-1" }], new: [{ id: "CVE-3" }], left: 1 },
    });
    const text = await readFile(join(desk.folder, "changes.md"), "utf8");
    expect(text).toContain("| `libc6` | 2.36-9 | 2.36-10 |");
    expect(await must("diff", old, now, ...scans)).toContain("package  libc6: 2.36-9 → 2.36-10");
  });

  it("leaves out a scan of other layers, and says so", async () => {
    const path = await scanOf(now, "3", []);
    const scan = JSON.parse(await readFile(path, "utf8")) as ScanResult;
    const wrong = { ...scan.platforms[0], diffIds: [`sha256:${"0".repeat(64)}`] };
    await desk.write("wrong.json", JSON.stringify({ ...scan, platforms: [wrong] }));
    const scans = ["--old-scan", path, "--new-scan", join(desk.folder, "wrong.json")];
    const changes = JSON.parse(await must("diff", now, now, ...scans, "--json"));
    expect(changes.notes).toEqual([
      expect.stringContaining("the scan of linux/amd64 looked at other layers than those of oci:"),
    ]);
  });

  it.each([
    [
      "an image that is not there",
      () => ["diff", now, `oci:${desk.folder}/1:none`],
      "There is no image none",
    ],
    ["one image alone", () => ["diff", now], "missing required argument"],
    [
      "a scan that is not there",
      () => ["diff", old, now, "--old-scan", "none.json"],
      "none.json cannot be read",
    ],
    [
      "two sources of the new scan",
      () => ["diff", old, now, "--results", ".", "--new-scan", "a.json"],
      "--results and --new-scan say the same",
    ],
  ])("refuses %s", async (_, args, complaint) => {
    const { code, stderr } = await desk.cli(args());
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(complaint) });
  });
});
