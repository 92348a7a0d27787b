import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { type Published, predicatesOf } from "../pipeline/verify/published.ts";
import { identity, publishing } from "../pipeline/verify/publishing.ts";
import { type Desk, openDesk, type Said } from "./program.ts";

jest.setTimeout(120_000);

const works = publishing();
let desk: Desk;
let image: Published;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk.remove());
beforeEach(async () => {
  await writeFile(join(desk.folder, "root.json"), JSON.stringify(works.root()));
  image = await works.assembled();
  await image.store.putManifest(image.index, "latest");
});

const verify = (...more: readonly string[]): Promise<Said> =>
  desk.cli([
    ...["verify", image.store.name, "--identity", identity, "--trusted-root", "root.json"],
    ...more,
  ]);

describe("director-image verify", () => {
  it("shows a table of what was checked and ends with 0", async () => {
    await works.signed(image);
    const { code, stdout, stderr } = await verify();
    expect(stderr).toBe(`Looking at ${image.store.name}@${image.index.digest}.\n`);
    const [name, trusted, , ...lines] = stdout.trimEnd().split("\n");
    expect(name).toBe(`Image    ${image.store.name}@${image.index.digest}`);
    expect(trusted).toBe(
      `Trusted  ${identity}, in a run of https://github.com/nsn/director, by https://token.actions.githubusercontent.com`,
    );
    expect(lines.map((line) => line.replace(/signed \S+Z/, "signed TIME"))).toEqual([
      "passed   provenance               signed TIME",
      "passed   runtime     linux/amd64",
      "passed   weights     linux/amd64",
      "passed   scan        linux/amd64  signed TIME",
      "passed   acceptance  linux/amd64  signed TIME",
      "passed   sbom        linux/amd64  signed TIME",
      "",
      "Verified. A tag may move: pull it by this digest.",
    ]);
    expect(code).toBe(0);
  });

  it("prints one document with --json, and ends with 1 where a check failed", async () => {
    await works.signed(image, { acceptance: undefined });
    const { code, stdout } = await verify("--json");
    expect(JSON.parse(stdout)).toMatchObject({
      image: `${image.store.name}@${image.index.digest}`,
      digest: image.index.digest,
      verdict: "failed",
      trusted: { identity, repository: "https://github.com/nsn/director" },
      checks: [
        { name: "provenance", verdict: "passed", signedAt: expect.stringMatching(/^\d{4}-/) },
        { name: "runtime", platform: "linux/amd64", verdict: "passed" },
        { name: "weights", verdict: "passed" },
        { name: "scan", verdict: "passed" },
        { name: "acceptance", verdict: "failed", reason: "none that counts is attached" },
        { name: "sbom", verdict: "passed" },
      ],
      leftAside: [],
    });
    expect(code).toBe(1);
  });

  it("shows what was left aside, and no control characters of others", async () => {
    const evil = "\u001b[2J::set-output name=x::y";
    await works.signed(image, {
      acceptance: { ...(await predicatesOf(image)).acceptance, verdict: "failed", reason: evil },
    });
    await works.sign(image, [{ kind: "sbom", predicate: {} }], { repository: "evil/director" });
    const { code, stdout } = await verify();
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toContain("failed   acceptance  linux/amd64  it failed: [2J::set-output");
    expect(stdout).toMatch(/\nnote {5}sha256:[0-9a-f]{64} does not count: .*evil\/director/);
    expect(stdout).toContain("Refused: 1 of 6 checks failed.");
    expect(code).toBe(1);
  });

  it("takes no image by the public Sigstore that another one signed", async () => {
    await works.signed(image);
    const { code, stdout } = await desk.cli(["verify", image.store.name, "--identity", identity]);
    expect(stdout).toContain("by anybody whom Sigstore knows");
    expect(code).toBe(1);
  });

  it("holds a scan to --max-age", async () => {
    const { scan } = await predicatesOf(image);
    const updatedAt = new Date(Date.now() - 3 * 86_400_000).toISOString();
    await works.signed(image, { scan: { ...scan, database: { updatedAt, source: "x" } } });
    expect((await verify("--max-age", "4d")).code).toBe(0);
    const { code, stdout } = await verify("--max-age", "48h");
    expect(stdout).toMatch(/its vulnerability database is of .*, 3 days ago; at most 2 days/);
    expect(code).toBe(1);
  });

  it("lets an untested image pass where it is told to", async () => {
    const { acceptance } = await predicatesOf(image);
    const skipped = { ...acceptance, verdict: "skipped", reason: "disk, needs 40 GB" };
    await works.signed(image, { acceptance: skipped });
    expect((await verify()).code).toBe(1);
    const { code, stdout } = await verify("--allow-untested");
    expect(stdout).toContain("skipped  acceptance  linux/amd64  skipped: disk, needs 40 GB");
    expect(code).toBe(0);
  });
});

describe("director-image verify ends", () => {
  it.each<[string, number, readonly string[], string]>([
    ["with 2 without an identity", 2, [], "whom do you trust?"],
    ["with 2 for an identity that lets anybody in", 2, ["--identity", "*"], "has a * elsewhere"],
    ["with 2 for a time that is none", 2, ["--identity", identity, "--max-age", "x"], "--max-age"],
    [
      "with 2 for a trusted root that is not there",
      2,
      ["--identity", identity, "--trusted-root", "none.json"],
      "--trusted-root: none.json cannot be read",
    ],
    [
      "with 2 for a platform that it does not have",
      2,
      ["--identity", identity, "--platform", "linux/riscv64"],
      "has no linux/riscv64, only linux/amd64",
    ],
  ])("%s", async (_, wanted, flags, message) => {
    const { code, stdout, stderr } = await desk.cli(["verify", image.store.name, ...flags]);
    expect([code, stdout]).toEqual([wanted, ""]);
    expect(stderr).toContain(message);
  });

  it("with 2 for a trusted root that names nobody", async () => {
    await desk.write("empty.json", "{}");
    const { code, stderr } = await verify("--trusted-root", "empty.json");
    expect([code, stderr]).toEqual([2, expect.stringContaining("no certificate authorities")]);
  });

  it("with 2 for an image that is not there", async () => {
    const place = `${image.store.name}:none`;
    const { code, stderr } = await desk.cli(["verify", place, "--identity", identity]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("There is no image none")]);
  });

  it("with 3 where the registry cannot be reached", async () => {
    const { code } = await desk.cli(["verify", "127.0.0.1:1/nsn/director", "--identity", identity]);
    expect(code).toBe(3);
  });
});
