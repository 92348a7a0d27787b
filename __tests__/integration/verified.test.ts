import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { predicateTypes } from "../../src/attest/predicates.ts";
import type { Results } from "../../src/results/stages.ts";
import { type FakeSigstore, issuer, startSigstore } from "../fakes/sigstore.ts";
import { piping } from "./piping.ts";
import { output, run } from "./workspace.ts";

const given = piping();
const identity =
  "https://github.com/nsn/director/.github/workflows/director-image.yml@refs/heads/main";

/** What a runner tells a job that may have tokens. */
const variables = ({ source }: FakeSigstore): Readonly<Record<string, string>> => ({
  ...{ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "push", GITHUB_REF: "refs/heads/main" },
  ...{ GITHUB_SHA: "a".repeat(40), GITHUB_REPOSITORY: "nsn/director" },
  ACTIONS_ID_TOKEN_REQUEST_URL: source.url,
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: source.token,
});

describe("an image that the pipeline published, in a registry of its own program", () => {
  let sigstore: FakeSigstore;
  let results: Results;
  let root: string;
  const before = { ...process.env };

  beforeAll(async () => {
    sigstore = await startSigstore();
    const { fulcio, rekor } = sigstore;
    const file = join(given.made.folder, "sigstore.json");
    root = join(given.made.folder, "root.json");
    await writeFile(root, JSON.stringify(sigstore.root));
    await writeFile(file, JSON.stringify({ fulcio, rekor, trustedRoot: "root.json" }));
    Object.assign(process.env, variables(sigstore));
    results = await given.pipeline("--sigstore", file, "--sign", "required", "--sbom", "true");
  });
  afterAll(async () => {
    for (const name of Object.keys(variables(sigstore)))
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    await sigstore.close();
  });

  const verify = (...more: readonly string[]) =>
    given.made.cli(
      ...["verify", `${given.place}:latest`, "--json", "--trusted-root", root],
      ...["--identity", identity, ...more],
    );

  it("is verified, but for the acceptance that was off", async () => {
    const refused = await verify();
    expect(refused.code).toBe(1);
    const { digest, checks } = JSON.parse(refused.stdout);
    expect(digest).toBe(results.assemble?.digest);
    const failed = checks.filter(({ verdict }: { verdict: string }) => verdict !== "passed");
    expect(new Set(failed.map(({ name }: { name: string }) => name))).toEqual(
      new Set(["acceptance"]),
    );
    expect(failed[0].reason).toContain("skipped: acceptance: off");
    const allowed = await verify("--allow-untested");
    expect([allowed.code, JSON.parse(allowed.stdout).leftAside]).toEqual([0, []]);
  });

  it("has the lock's weights, byte by byte", async () => {
    const platforms = results.assemble?.platforms.map(({ platform }) => platform) ?? [];
    const both = platforms.flatMap((platform) => ["--platform", platform]);
    const { code, stdout } = await verify("--allow-untested", "--weights", ...both);
    const { checks } = JSON.parse(stdout);
    const bytes = checks.filter(({ name }: { name: string }) => name === "bytes");
    expect([code, bytes[0]?.verdict, bytes.length]).toEqual([0, "passed", platforms.length]);
  });

  it("is not that of another workflow", async () => {
    const { code, stdout } = await verify("--allow-untested", "--identity", `${identity}x`);
    expect(code).toBe(1);
    expect(stdout).toContain(`signed it, not ${identity}x`);
  });

  it("is verified by cosign, statement by statement", async () => {
    const cosign = await output(
      join(import.meta.dirname, "../../scripts/setup/go-tool.sh"),
      "cosign",
    );
    for (const type of Object.values(predicateTypes)) {
      const args = [
        ...["verify-attestation", "--trusted-root", root, "--type", type],
        ...["--certificate-identity", identity, "--certificate-oidc-issuer", issuer],
        `${given.place}@${results.assemble?.digest}`,
      ];
      const said = await run(cosign, args, given.made.folder, { HOME: given.made.folder });
      expect([type, said.stderr]).toEqual([
        type,
        expect.stringContaining("The cosign claims were validated"),
      ]);
      expect(said.code).toBe(0);
    }
  });
});
