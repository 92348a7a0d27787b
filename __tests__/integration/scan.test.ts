import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { ScanResult } from "../../src/results/stages.ts";
import { type RegistryProcess, startRegistryProcess } from "../fakes/registry-process.ts";
import { service } from "../fakes/service.ts";
import { type ImageName, pushImages } from "../trivy/images.ts";
import { output, run } from "./workspace.ts";

jest.setTimeout(300_000);

const node = join(process.cwd(), "node_modules", ".bin", "node");
let folder = "";
let registry: RegistryProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scan-"));
  registry = await startRegistryProcess();
  await pushImages(registry.host, [
    ...(["clean", "critical", "unfixed", "wheel", "secret", "empty"] as const),
    ...(["scratch", "arm64", "unknown", "old", "broken"] as const),
  ]);
}, 600_000);
afterAll(async () => {
  await registry?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Scanned {
  readonly code: number;
  readonly stderr: string;
  readonly result: ScanResult;
  /** Of what counts, by platform. */
  readonly blind: readonly string[];
}

async function scan(reference: string, ...more: readonly string[]): Promise<Scanned> {
  const database = ["--trivy-db", service("TEST_TRIVY_DB")];
  const said = await run(
    node,
    [join(process.cwd(), "src/cli.ts"), "scan", reference, "--json", ...database, ...more],
    folder,
    { RUNNER_TEMP: folder, TRIVY_SKIP_DIRS: "/", TRIVY_SEVERITY: "LOW" },
  );
  if (said.stdout === "") throw new Error(said.stderr);
  const result = JSON.parse(said.stdout) as ScanResult;
  const spots = result.platforms.flatMap(({ blindSpots = [] }) => blindSpots);
  return { code: said.code, stderr: said.stderr, result, blind: spots.map(({ name }) => name) };
}

const image = (name: ImageName) => `${registry.host}/${name}:1`;

describe("an image", () => {
  it("without a critical finding passes, and what is in it is listed", async () => {
    const { code, result, stderr } = await scan(image("clean"));
    expect({ code, verdict: result.verdict, reason: result.reason }).toEqual({
      code: 0,
      verdict: "passed",
    });
    const [platform] = result.platforms;
    expect(platform).toMatchObject({
      platform: "linux/amd64",
      os: expect.stringMatching(/^debian 12\./),
    });
    expect(platform?.packages).toBeGreaterThan(100);
    expect(platform?.licenses?.find(({ name }) => name === "GPL-3.0-only")?.packages).toContain(
      "bash",
    );
    expect(platform?.findings?.find(({ package: name }) => name === "libc6")).toMatchObject({
      ...{ kind: "vulnerability", id: "CVE-2026-0001", severity: "HIGH", fixed: "2.36-9+deb12u99" },
      ...{ score: 7.5, references: expect.arrayContaining(["https://example.com/CVE-2026-0001"]) },
      layer: { diffId: platform?.diffIds?.[0], createdBy: expect.stringMatching(/^ADD amd64.tar/) },
    });
    expect(result.outdated).toContainEqual(
      expect.objectContaining({ package: "libc6", fixed: "2.36-9+deb12u99" }),
    );
    expect(result.scanner).toMatchObject({ version: "0.74.0" });
    expect(result.database).toMatchObject({ source: service("TEST_TRIVY_DB") });
    expect(stderr).toMatch(/Trivy 0\.74\.0 .*\n.*database of .* updated 20/s);
    expect((await readdir(folder)).filter((name) => name.startsWith("director-image"))).toEqual([]);
  });

  it.each<[string, ImageName, readonly string[], RegExp]>([
    [
      "one critical finding",
      "critical",
      [],
      /^1 finding of CRITICAL.*CVE-2026-1001 in made-up-critical \(CRITICAL, fixed in 2\.0-1\)/,
    ],
    [
      "a critical one without a fix",
      "unfixed",
      [],
      /CVE-2026-1002 in made-up-unfixed \(CRITICAL, no fixed version\)/,
    ],
    ["a critical one in a package of Python", "wheel", [], /CVE-2026-1003 in made-up-wheel/],
    ["a secret in a file", "secret", [], /github-pat in \/srv\/settings\.conf \(CRITICAL\)/],
    ["a high one where that fails", "clean", ["--fail-on", "high"], /CVE-2026-0001 in libc6/],
  ])("with %s fails", async (_, name, flags, reason) => {
    const { code, result, blind } = await scan(image(name), ...flags);
    expect({ code, verdict: result.verdict, blind }).toEqual({
      code: 1,
      verdict: "failed",
      blind: [],
    });
    expect(result.reason).toMatch(reason);
  });

  it("with unfixed findings alone passes where those are left out", async () => {
    const { code, result } = await scan(image("unfixed"), "--ignore-unfixed", "true");
    expect({ code, verdict: result.verdict }).toEqual({ code: 0, verdict: "passed" });
    const found = result.platforms[0]?.findings?.find(({ id }) => id === "CVE-2026-1002");
    expect(found?.accepted).toMatch(/^unfixed/);
  });

  it("whose critical finding is accepted passes, and an entry that nothing needs is told", async () => {
    const accepted = {
      id: "CVE-2026-1001",
      package: "made-up-critical",
      reason: "a test",
      expires: "2999-12-31",
    };
    const risks = join(folder, "risks.json");
    await writeFile(risks, JSON.stringify([accepted, { ...accepted, id: "CVE-2026-9999" }]));
    const { code, result } = await scan(image("critical"), "--scan-policy", risks);
    expect({ code, verdict: result.verdict }).toEqual({ code: 0, verdict: "passed" });
    expect(result.risks).toMatchObject({ unused: [{ id: "CVE-2026-9999" }], expired: [] });
  });

  it("that is vulnerable on arm64 alone fails there, and passes for the other platform", async () => {
    const both = await scan(image("arm64"));
    expect(
      both.result.platforms.map(({ platform, findings = [] }) => [
        platform,
        findings.some(({ id }) => id === "CVE-2026-1001"),
      ]),
    ).toEqual([
      ["linux/amd64", false],
      ["linux/arm64", true],
    ]);
    expect(both.code).toBe(1);
    expect((await scan(image("arm64"), "--platform", "linux/amd64")).code).toBe(0);
  });
});

describe("a scan that could not see", () => {
  it.each<[string, ImageName, readonly string[]]>([
    ["an image without packages", "empty", ["few-packages"]],
    ["an image from scratch", "scratch", ["no-operating-system", "few-packages"]],
    ["a distribution that nobody knows", "unknown", ["no-operating-system", "few-packages"]],
    ["a distribution that gets no fixes, and is in no database", "old", ["end-of-life", "no-data"]],
    ["a file that could not be read", "broken", ["analyzer-error"]],
  ])("%s fails by its name", async (_, name, spots) => {
    const { code, result, blind } = await scan(image(name));
    expect({ code, verdict: result.verdict, blind: [...new Set(blind)] }).toEqual({
      code: 1,
      verdict: "failed",
      blind: spots,
    });
    for (const spot of spots) expect(result.reason).toContain(`linux/amd64: ${spot}: `);
  });

  it("an image from scratch passes where no packages are asked for", async () => {
    expect((await scan(image("scratch"), "--min-packages", "0")).code).toBe(0);
  });
});

it("a pull request's files loosen nothing", async () => {
  await writeFile(join(folder, ".trivyignore"), "CVE-2026-1001\n");
  await writeFile(join(folder, "trivy.yaml"), "severity: [LOW]\nscan: { scanners: [secret] }\n");
  expect((await scan(image("critical"))).code).toBe(1);
});

it("a layout is scanned like a registry, each platform", async () => {
  const layout = `oci:${join(folder, "layout")}`;
  const copied = `${layout.slice("oci:".length)}:1`;
  await output(
    "skopeo",
    "copy",
    "--quiet",
    "--all",
    "--src-tls-verify=false",
    `docker://${image("arm64")}`,
    `oci:${copied}`,
  );
  const { code, result } = await scan(`${layout}:1`);
  expect(result.platforms.map(({ platform, packages = 0 }) => [platform, packages > 100])).toEqual([
    ["linux/amd64", true],
    ["linux/arm64", true],
  ]);
  expect(code).toBe(1);
});
