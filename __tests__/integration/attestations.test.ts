import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readAttached } from "../../src/attest/artifact.ts";
import { assemblyBuildType, predicateTypes } from "../../src/attest/predicates.ts";
import { parseStatement, type Statement, subjectsOf } from "../../src/attest/statement.ts";
import { type Digest, isDigest } from "../../src/images/digest.ts";
import type { Results } from "../../src/results/stages.ts";
import { signedStatement } from "../../src/sigstore/verify.ts";
import { type FakeSigstore, startSigstore } from "../fakes/sigstore.ts";
import { open } from "../stores/ports.ts";
import { piping } from "./piping.ts";

const given = piping();

/** What a runner tells a job that may have tokens. */
const variables = ({ source }: FakeSigstore): Readonly<Record<string, string>> => ({
  ...{ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "push", GITHUB_REF: "refs/heads/main" },
  ...{ GITHUB_SHA: "a".repeat(40), GITHUB_REPOSITORY: "nsn/director" },
  ACTIONS_ID_TOKEN_REQUEST_URL: source.url,
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: source.token,
});

describe("a published image, on a registry of its own program", () => {
  let sigstore: FakeSigstore;
  let first: Results;
  let second: Results;
  const before = { ...process.env };

  beforeAll(async () => {
    sigstore = await startSigstore();
    const { fulcio, rekor, root } = sigstore;
    const file = join(given.made.folder, "sigstore.json");
    await writeFile(join(given.made.folder, "root.json"), JSON.stringify(root));
    await writeFile(file, JSON.stringify({ fulcio, rekor, trustedRoot: "root.json" }));
    Object.assign(process.env, variables(sigstore));
    const more = ["--sigstore", file, "--sign", "required", "--sbom", "true"];
    first = await given.pipeline(...more);
    second = await given.pipeline(...more);
  });
  afterAll(async () => {
    for (const name of Object.keys(variables(sigstore)))
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    await sigstore.close();
  });

  async function said(): Promise<
    readonly { readonly digest: Digest; readonly statement: Statement }[]
  > {
    const image = first.assemble?.digest ?? "";
    const store = open(given.place);
    if (!isDigest(image)) throw new Error("nothing was assembled");
    const all = (await store.referrers(image)).map(async (referrer) => {
      const attached = await readAttached(store, referrer, image);
      if (attached === undefined) throw new Error(`${referrer.digest} is no bundle`);
      const { statement } = signedStatement(attached.bundle, sigstore.root);
      return { digest: attached.digest, statement: parseStatement(statement) };
    });
    return Promise.all(all);
  }

  it("has its provenance, BuildKit's, its bills of materials and its scan, each signed", async () => {
    const listed = first.promote?.attestations ?? [];
    const all = await said();
    expect(all.map(({ digest }) => digest)).toEqual(
      expect.arrayContaining(listed.map(({ digest }) => digest)),
    );
    const statements = listed.map(
      ({ digest }) => all.find((entry) => entry.digest === digest)?.statement,
    );
    expect(statements.map((statement) => statement?.predicateType)).toEqual([
      predicateTypes.provenance,
      ...[expect.stringMatching(/^https:\/\/slsa\.dev\/provenance\//)],
      ...[expect.stringMatching(/^https:\/\/slsa\.dev\/provenance\//)],
      ...[predicateTypes.sbom, predicateTypes.sbom, predicateTypes.scan],
      predicateTypes.acceptance,
    ]);
    const [assembly, amd64, , bill, , scan, acceptance] = statements;
    expect(assembly?.predicate).toMatchObject({
      buildDefinition: { buildType: assemblyBuildType },
    });
    expect(JSON.stringify(amd64?.predicate)).toContain("moby/buildkit");
    expect(JSON.stringify(bill?.predicate)).toContain('"libc6"');
    expect(scan?.predicate).toMatchObject({ verdict: "passed", database: {} });
    expect(acceptance?.predicate).toMatchObject({ verdict: "skipped" });
    for (const statement of statements)
      expect(statement && subjectsOf(statement)[0]).toBe(first.assemble?.digest);
  });

  it("says again only what changes with time", async () => {
    expect(second.assemble?.digest).toBe(first.assemble?.digest);
    const digests = (results: Results) => results.promote?.attestations?.map((one) => one.digest);
    const [then = [], now = []] = [digests(first), digests(second)];
    expect(now.slice(0, -2)).toEqual(then.slice(0, -2));
    expect(now.slice(-2)).not.toEqual(then.slice(-2));
    expect(await said()).toHaveLength(then.length + 2);
  });
});
