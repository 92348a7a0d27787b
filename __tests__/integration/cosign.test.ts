import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { predicateTypes } from "../../src/attest/predicates.ts";
import type { Digest } from "../../src/images/digest.ts";
import { transfer } from "../../src/stores/transfer.ts";
import { type FakeRegistry, startRegistry } from "../fakes/registry.ts";
import { issuer } from "../fakes/sigstore.ts";
import { attachBundle, type Published, predicatesOf } from "../pipeline/verify/published.ts";
import { publishing } from "../pipeline/verify/publishing.ts";
import { withEnvironment } from "../pipeline/verify/tampered.ts";
import { open } from "../stores/ports.ts";

jest.setTimeout(120_000);

const works = publishing();
const workflow = "https://github.com/nsn/director/.github/workflows/director-image.yml";

let folder: string;
let cosign: string;
let registry: FakeRegistry;
let image: Published;
/** Equal images have one digest, and all that was ever attached to it. */
let made = 0;

beforeAll(async () => {
  const tool = join(import.meta.dirname, "../../scripts/setup/go-tool.sh");
  cosign = execFileSync(tool, ["cosign"], { encoding: "utf8" }).trim();
  folder = await mkdtemp(join(tmpdir(), "cosign-"));
  // As GHCR does it: what is attached is listed under a tag.
  registry = await startRegistry();
}, 1_800_000);
afterAll(async () => {
  await registry.close();
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  await writeFile(join(folder, "trusted_root.json"), JSON.stringify(works.root()));
  made += 1;
  const assembled = await works.assembled(`version ${made}`);
  const store = open(`${registry.host}/nsn/director`);
  await transfer(assembled.index.digest, assembled.store, store);
  image = { ...assembled, store };
});

/** As docs/verification.md shows it, with the stand-in's trusted root. */
function verify(digest: Digest, type: string, more: readonly string[] = []) {
  const args = [
    ...["verify-attestation", "--trusted-root", "trusted_root.json", "--type", type],
    ...["--certificate-identity-regexp", `^${workflow.replaceAll(".", "\\.")}@refs/tags/v[^/]*$`],
    ...["--certificate-oidc-issuer", issuer],
    ...["--certificate-github-workflow-repository", "nsn/director"],
    ...more,
    `${registry.host}/nsn/director@${digest}`,
  ];
  // Nobody's own configuration, and no Sigstore but the stand-in.
  const env = { PATH: process.env["PATH"], HOME: folder };
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((done) => {
    const child = execFile(cosign, args, { cwd: folder, env }, (_, stdout, stderr) =>
      done({ code: child.exitCode, stdout, stderr }),
    );
  });
}

describe("cosign", () => {
  it("verifies each statement that is attached, and reads what it says", async () => {
    await works.signed(image);
    const predicates = await predicatesOf(image);
    for (const [kind, type] of Object.entries(predicateTypes)) {
      const { code, stdout, stderr } = await verify(image.index.digest, type);
      expect(stderr).toContain("The cosign claims were validated");
      expect([kind, code]).toEqual([kind, 0]);
      const { payload } = JSON.parse(stdout.trim());
      const { predicate, subject } = JSON.parse(Buffer.from(payload, "base64").toString("utf8"));
      expect(subject[0].digest.sha256).toBe(image.index.digest.slice("sha256:".length));
      expect(Object.keys(predicate)).toEqual(
        Object.keys(predicates[kind as keyof typeof predicates]),
      );
    }
  });

  it("refuses another's signature", async () => {
    await works.signed(image, {}, { ref: "refs/tags/v1.2.3", repository: "evil/director" });
    const { code, stderr } = await verify(image.index.digest, predicateTypes.scan);
    expect(code).not.toBe(0);
    expect(stderr).toContain("no matching CertificateIdentity found");
  });

  it("refuses a changed image with the statements of the one before", async () => {
    const bundles = await works.sign(image, [
      { kind: "scan", predicate: (await predicatesOf(image)).scan },
    ]);
    const changed = await withEnvironment(image);
    for (const bundle of bundles) await attachBundle(changed, bundle, predicateTypes.scan);
    const { code, stderr } = await verify(changed.index.digest, predicateTypes.scan);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/digest|subject/);
  });
});
