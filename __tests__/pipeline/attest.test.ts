import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import {
  acceptancePredicate,
  assemblyPredicate,
  predicateTypes,
  scanPredicate,
} from "../../src/attest/predicates.ts";
import { subjectsOf } from "../../src/attest/statement.ts";
import { CheckError, UsageError } from "../../src/errors.ts";
import { digestOf } from "../../src/images/digest.ts";
import { answer, corruptAt, type Fault } from "../fakes/faults.ts";
import { issuer } from "../fakes/sigstore.ts";
import { attesting, buildkit, commits, type Setting, type World } from "./attesting.ts";

const start = attesting();
const hex = (text: string) => digestOf(text).slice("sha256:".length);
const types = [
  predicateTypes.provenance,
  buildkit.predicateType,
  ...[predicateTypes.sbom, predicateTypes.sbom],
  ...[predicateTypes.scan, predicateTypes.scan],
  predicateTypes.acceptance,
];

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

  it("attaches nothing twice", async () => {
    const { sigstore, promote, said } = await start({ behaviour });
    const first = await promote();
    const logged = sigstore.requests.rekor.length;
    const again = await promote();
    expect(again.attestations).toEqual(first.attestations);
    expect(sigstore.requests.rekor).toHaveLength(logged);
    expect(await said()).toHaveLength(types.length);
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
    expect(scans).toEqual(results.scan);
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

/** Nothing may have moved, whatever went wrong. */
async function movesNothing({ store, promote }: World, error: object | RegExp, more = {}) {
  await expect(promote(more)).rejects.toThrow(error as RegExp);
  expect((await store.tags()).filter((tag) => !tag.startsWith("sha256-"))).toEqual([]);
}

describe("no tag moves", () => {
  const referrer: Pick<Fault, "method" | "path"> = {
    method: "PUT",
    path: /\/manifests\/sha256:/,
  };
  // Two platforms and the index were put there before.
  const firstReferrer = { ...referrer, nth: 4 };
  it.each<[string, Setting, RegExp]>([
    [
      "Fulcio refuses",
      { signingFaults: { fulcio: [{ does: answer(400) }] } },
      /Fulcio at .* answered 400/,
    ],
    [
      "Fulcio is gone",
      { signingFaults: { fulcio: [{ does: answer(503) }] } },
      /Given up after 5 attempts/,
    ],
    ["the job's token has run out", { claims: { lives: -1 } }, /identity token/],
    [
      "Rekor refuses",
      { signingFaults: { rekor: [{ nth: 3, does: answer(403) }] } },
      /Rekor at .* answered 403/,
    ],
    [
      "the registry refuses a referrer",
      { registryFaults: [{ ...firstReferrer, does: answer(403) }] },
      /registry answered 403/,
    ],
    [
      "the registry says that it lists a referrer and does not keep it",
      {
        behaviour: { referrers: true },
        registryFaults: [{ ...firstReferrer, does: answer(201, { body: "{}" }) }],
      },
      /registry misses what the manifest names/,
    ],
    [
      // The first two blobs that are read are the platforms' configs, the next ones the bundles.
      "the registry shows other bytes than were attached",
      { registryFaults: [{ method: "GET", path: "/blobs/sha256:", nth: 3, does: corruptAt(99) }] },
      /does not show the attestation sha256:[0-9a-f]{64} \(https:\/\/slsa\.dev/,
    ],
    [
      "the registry loses the list of referrers",
      {
        registryFaults: [
          { method: "PUT", path: /\/manifests\/sha256-/, does: answer(201, { body: "{}" }) },
        ],
      },
      /somebody else writes this list/,
    ],
  ])("where %s", async (_, setting, message) => movesNothing(await start(setting), message));

  it("where a bill of materials is wanted and not there", async () => {
    const world = await start();
    await rm(join(world.folder, "sbom-linux-arm64.cdx.json"));
    await movesNothing(world, /no bill of materials for linux\/arm64/, {
      inputs: { sbom: "true" },
    });
    await expect(world.promote({ inputs: { sbom: "true" } })).rejects.toThrow(CheckError);
  });

  it("where a signature is required and the job has no identity, before anything is asked", async () => {
    const world = await start();
    const before = world.registry.requests.length;
    const wishes = {
      inputs: { sign: "required" },
      variables: { ACTIONS_ID_TOKEN_REQUEST_TOKEN: "" },
    };
    await expect(world.promote(wishes)).rejects.toThrow(UsageError);
    await expect(world.promote(wishes)).rejects.toThrow(
      "sign: required, but the job has no permission id-token: write.",
    );
    expect(world.registry.requests).toHaveLength(before);
  });
});

describe("nothing is signed", () => {
  it.each([
    [
      "without an identity",
      { variables: { ACTIONS_ID_TOKEN_REQUEST_URL: "" } },
      "the job has no permission id-token: write",
    ],
    ["on the command line", { variables: { GITHUB_ACTIONS: "" } }, /^this is no job of a workflow/],
    ["where the input says so", { inputs: { sign: "off" } }, "sign is off"],
    [
      "by a Sigstore that a pull request's files name",
      { variables: { GITHUB_EVENT_NAME: "pull_request" } },
      "the files of a pull request do not say where tokens go (sigstore)",
    ],
    [
      "on a server of one's own by the public good instance",
      { variables: { GITHUB_SERVER_URL: "https://git.example" }, inputs: { sigstore: "" } },
      /^Sigstore's public good instance takes no tokens of https:\/\/git\.example/,
    ],
  ])("%s, and the result says why", async (_, wishes, why) => {
    const { promote, said, sigstore } = await start();
    const result = await promote(wishes);
    expect(result.unsigned).toMatch(why);
    expect(result.tags.map(({ moved }) => moved)).toEqual([true, true]);
    expect(await said()).toEqual([]);
    expect(sigstore.requests.tokens).toEqual([]);
  });

  it("for a private repository by the public good instance, unless it is required", async () => {
    const { promote, sigstore } = await start({ claims: { visibility: "private" } });
    const { unsigned } = await promote({ inputs: { sigstore: "" } });
    expect(unsigned).toMatch(/^the repository is private, and Sigstore's log would show its name/);
    expect(sigstore.requests.fulcio).toEqual([]);
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

it("shows the job's secrets to none but whom they are for", async () => {
  const { promote, registry, sigstore, ports } = await start();
  await promote();
  const [token = "none"] = sigstore.tokens;
  for (const secret of [token, sigstore.source.token]) {
    expect(JSON.stringify([registry.requests, registry.storageRequests])).not.toContain(secret);
    expect(JSON.stringify(sigstore.requests.rekor)).not.toContain(secret);
    expect(ports.lines.join("\n")).not.toContain(secret);
    expect(ports.masked).toContain(secret);
  }
});
