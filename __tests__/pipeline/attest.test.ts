import { describe, expect, it } from "@jest/globals";
import {
  acceptancePredicate,
  assemblyPredicate,
  predicateTypes,
  scanPredicate,
} from "../../src/attest/predicates.ts";
import { subjectsOf } from "../../src/attest/statement.ts";
import { digestOf } from "../../src/images/digest.ts";
import { issuer } from "../fakes/sigstore.ts";
import { attesting, commits, types } from "./attesting.ts";
import { buildkit } from "./attesting-inputs.ts";

const start = attesting();
const hex = (text: string) => digestOf(text).slice("sha256:".length);

describe.each([
  ["with an API for referrers", { referrers: true }],
  ["without an API for referrers", {}],
])("promote to a registry %s", (_, behaviour) => {
  it("attaches what is known, signed as the workflow, and moves the tags last", async () => {
    const { registry, results, promote, said } = await start({ behaviour });
    const result = await promote();
    const image = results.assemble?.digest;
    expect(result.attestations).toEqual(
      (await said()).map(({ digest, statement: { predicateType } }) => ({
        ...{ predicateType, digest, subject: image },
      })),
    );
    expect(result.attestations?.map(({ predicateType }) => predicateType)).toEqual(types);
    for (const { statement, signer } of await said()) {
      expect(subjectsOf(statement)[0]).toBe(image);
      expect(signer).toMatchObject({
        subject:
          "https://github.com/nsn/director/.github/workflows/director-image.yml@refs/heads/main",
        issuer,
      });
    }
    expect(result.tags.map(({ tag, moved }) => [tag, moved])).toEqual([
      ["1.0", true],
      ["latest", true],
    ]);
    const asked = registry.requests.map(({ method, url }) => `${method} ${url}`);
    const firstTag = asked.findIndex((line) => /^PUT .*\/manifests\/(1\.0|latest)$/.test(line));
    const attached = asked.findLastIndex((line) => /^PUT .*\/manifests\/sha256[:-]/.test(line));
    expect(attached).toBeGreaterThan(0);
    expect(firstTag).toBeGreaterThan(attached);
    // What was attached is read before a tag moves.
    for (const { digest } of result.attestations ?? [])
      expect(asked.slice(attached, firstTag)).toContainEqual(
        `GET /v2/nsn/director/manifests/${digest}`,
      );
  });
});

describe("what is attached", () => {
  it("names both commits, the runtimes, their bases, the models, the lock and every weight", async () => {
    const { results, promote, said } = await start();
    await promote();
    const [first] = await said();
    const predicate = assemblyPredicate.parse(first?.statement.predicate);
    const { resolvedDependencies: all, externalParameters } = predicate.buildDefinition;
    const of = (kind: string) => all.filter(({ annotations }) => annotations.kind === kind);
    expect(of("commit")).toEqual([
      {
        uri: "git+https://github.com/nsn/director",
        digest: { gitCommit: commits.built },
        annotations: { kind: "commit" },
      },
    ]);
    expect(of("event-commit")[0]?.digest).toEqual({ gitCommit: commits.event });
    expect(of("runtime").map(({ digest, annotations }) => [annotations.platform, digest])).toEqual(
      results.build[0]?.platforms.map(({ platform, digest }) => [
        platform,
        { sha256: digest.slice(7) },
      ]),
    );
    expect(of("base")[0]).toMatchObject({
      name: "docker.io/library/ubuntu:22.04",
      digest: { sha256: hex("ubuntu") },
    });
    expect(of("models-image")[0]?.digest).toEqual({ sha256: hex("models") });
    expect(of("lock")).toMatchObject([{ name: "/models/models.lock.json" }]);
    expect(of("weight").map(({ name, digest }) => [name, digest["sha256"]])).toEqual([
      ["one/w", hex("one")],
      ["two/w", hex("two")],
    ]);
    expect(externalParameters.platforms).toEqual(["linux/amd64", "linux/arm64"]);
    expect(predicate.runDetails).toEqual({
      builder: {
        id: "https://github.com/nsn/director/.github/workflows/director-image.yml@refs/heads/main",
      },
      metadata: { invocationId: "https://github.com/nsn/director/actions/runs/42/attempts/1" },
    });
  });

  it("has BuildKit's provenance as it came, and says it of the image and the runtime", async () => {
    const { results, promote, said } = await start();
    await promote();
    const found = (await said()).find(
      ({ statement }) => statement.predicateType === buildkit.predicateType,
    );
    expect(found?.statement.predicate).toEqual(buildkit.predicate);
    expect(found && subjectsOf(found.statement)).toEqual([
      results.assemble?.digest,
      results.assemble?.platforms[0]?.digest,
      results.build[0]?.platforms[0]?.digest,
    ]);
  });

  it("has each platform's scan and bill of materials, and the acceptance without the node's log", async () => {
    const { results, promote, said } = await start();
    await promote();
    const all = await said();
    const of = (type: string) =>
      all.filter(({ statement }) => statement.predicateType === type).map((one) => one.statement);
    const scans = of(predicateTypes.scan).map(({ predicate }) => scanPredicate.parse(predicate));
    expect(scans).toEqual(
      results.scan.map(({ published: _, ...one }) => ({ ...one, scanner: { version: "0.74.0" } })),
    );
    const bills = of(predicateTypes.sbom);
    expect(bills.map(({ predicate }) => predicate["serialNumber"])).toEqual([
      "urn:uuid:amd64",
      "urn:uuid:arm64",
    ]);
    expect(bills.map((bill) => subjectsOf(bill)[1])).toEqual(
      results.assemble?.platforms.map(({ digest }) => digest),
    );
    const [acceptance] = of(predicateTypes.acceptance);
    expect(acceptancePredicate.parse(acceptance?.predicate)).toMatchObject({
      verdict: "passed",
      checks: [{ name: "startup", verdict: "passed" }],
    });
    expect(JSON.stringify(acceptance)).not.toContain("a secret of the node");
  });

  it("says why it was published untested", async () => {
    const { promote, said } = await start();
    await promote({
      inputs: { "allow-untested": "no machine today" },
      results: { accept: [] },
    });
    const [first] = await said();
    const { externalParameters } = assemblyPredicate.parse(
      first?.statement.predicate,
    ).buildDefinition;
    expect(externalParameters.untested).toEqual({
      reason: "no machine today",
      missing: ["the acceptance"],
    });
  });

  it("is less where inputs say so", async () => {
    const { promote } = await start();
    const { attestations } = await promote({ inputs: { provenance: "false", sbom: "false" } });
    expect(attestations?.map(({ predicateType }) => predicateType)).toEqual([
      ...[predicateTypes.scan, predicateTypes.scan],
      predicateTypes.acceptance,
    ]);
  });
});

it("goes on where the registry's token runs out in the middle", async () => {
  const auth = { scheme: "bearer" as const, username: "alice", password: "wonder" };
  const { promote, said, registry } = await start({
    behaviour: { auth: { ...auth, tokenRequests: 7 } },
  });
  const { attestations } = await promote();
  expect(attestations).toHaveLength(types.length);
  expect(await said()).toHaveLength(types.length);
  expect(registry.tokens.requests.length).toBeGreaterThan(5);
});
