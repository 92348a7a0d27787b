import { describe, expect, it } from "@jest/globals";
import type { Digest } from "../../../src/images/digest.ts";
import { type JobClaims, startSigstore } from "../../fakes/sigstore.ts";
import { attachBundle, kinds, type Published, predicatesOf } from "./published.ts";
import { everything, failures, identity, names, publishing, tagged } from "./publishing.ts";
import { withEnvironment, withWeights } from "./tampered.ts";

const works = publishing();

describe("an image is refused that was tampered with:", () => {
  it.each<[string, JobClaims]>([
    ["another repository", { ...tagged, repository: "evil/director" }],
    ["another workflow of the repository", { ...tagged, workflow: ".github/workflows/x.yml" }],
    ["the workflow on a branch", { ref: "refs/heads/main" }],
  ])("the wrong identity, %s", async (_, who) => {
    const image = await works.signed(await works.assembled(), {}, who);
    const result = await works.verified(image);
    expect(names(result)).toEqual(everything);
    expect(failures(result)[0]).toContain(`signed it, not ${identity}`);
  });

  it("the wrong identity, a Sigstore that nobody knows", async () => {
    const image = await works.signed(await works.assembled());
    const other = await startSigstore();
    try {
      const result = await works.verified(image, { root: other.root });
      expect(names(result)).toEqual(everything);
      expect(failures(result)[0]).toContain("by anybody whom Sigstore knows");
    } finally {
      await other.close();
    }
  });

  it("the wrong identity, a run of another repository than was said", async () => {
    const image = await works.signed(await works.assembled());
    const [first] = failures(await works.verified(image, { repository: "nsn/nsn" }));
    expect(first).toContain(
      "a run of https://github.com/nsn/director signed it (by https://github.com/nsn/director/.github/workflows/director-image.yml@refs/tags/v1.2.3), not one of https://github.com/nsn/nsn",
    );
  });

  it("the wrong identity, a stranger who calls the trusted reusable workflow", async () => {
    const image = await works.assembled();
    const claims = (repository: string, ref = "refs/heads/main") => ({
      ...{ ...tagged, repository: "nsn/director-image-action" },
      caller: { repository, ref },
    });
    const shared =
      "https://github.com/nsn/director-image-action/.github/workflows/director-image.yml@refs/tags/v*";
    const how = { identity: shared, repository: "nsn/nsn" };
    await works.signed(image, {}, claims("evil/nsn"));
    const [first] = failures(await works.verified(image, how));
    expect(first).toContain("a run of https://github.com/evil/nsn signed it");
    await works.signed(image, {}, claims("nsn/nsn"));
    expect(failures(await works.verified(image, how))).toEqual([]);
    const [branch] = failures(await works.verified(image, { ...how, ref: "refs/tags/v*" }));
    expect(branch).toContain("a run of refs/heads/main signed it, not one of refs/tags/v*");
  });

  it("a changed manifest, by whoever may push, with all statements copied", async () => {
    const image = await works.assembled();
    const bundles = await works.sign(image, await statements(image));
    const changed = await withEnvironment(image);
    for (const bundle of bundles) await attachBundle(changed, bundle, "x");
    const result = await works.verified(changed);
    expect(names(result)).toEqual(everything);
    expect(result.leftAside.map(({ kind, reason }) => [kind, reason])).toEqual(
      expect.arrayContaining(
        kinds.map((kind) => [kind, `it was signed for another image, ${image.index.digest}`]),
      ),
    );
  });

  it("a changed manifest below statements that are the makers' own", async () => {
    const image = await works.assembled();
    const changed = await withEnvironment(image);
    const predicates = await predicatesOf(image);
    // Index and platforms are signed: a platform that was not is found even where the index was.
    await works.sign(changed, [{ kind: "scan", predicate: predicates.scan }]);
    const result = await works.verified(changed);
    expect(names(result)).toEqual(expect.arrayContaining(["provenance", "weights"]));
  });

  it("swapped weights", async () => {
    const image = await works.assembled();
    const swapped = await withWeights(image);
    await works.sign(swapped, await statements(image, swapped.index.digest));
    const result = await works.verified(swapped);
    expect(failures(result)).toEqual([
      expect.stringMatching(
        /^weights: its model layer sha256:[0-9a-f]{64} is not one of the lock's$/,
      ),
    ]);
  });

  it("statements of another image", async () => {
    const [one, two] = [await works.assembled("1"), await works.assembled("2")];
    const about = one.index;
    const replayed = (await statements(one)).map((statement) => ({ ...statement, about }));
    await works.sign(two, replayed);
    const result = await works.verified(two);
    expect(names(result)).toEqual(everything);
    expect(failures(result)[0]).toBe(
      `provenance: none that counts is attached; left aside: it was signed for another image, ${one.index.digest}`,
    );
  });

  it("an older scan", async () => {
    const image = await works.signed(await works.assembled());
    const result = await works.verified(image, { now: Date.now() + 46 * 86_400_000 });
    expect(failures(result)).toEqual([
      expect.stringMatching(/^scan: signed .*, 46 days ago; at most 45/),
    ]);
  });

  it("an older scan, which passed, beside a newer one, which did not", async () => {
    const image = await works.signed(await works.assembled());
    const { scan } = await predicatesOf(image);
    await new Promise((done) => setTimeout(done, 1100));
    const newer = { ...scan, verdict: "failed", reason: "CVE-2026-1 is critical" };
    await works.sign(image, [{ kind: "scan", predicate: newer }]);
    expect(failures(await works.verified(image))).toEqual([
      "scan: it failed: CVE-2026-1 is critical",
    ]);
  });

  it("a scan of another runtime", async () => {
    const [one, two] = [await works.assembled("1"), await works.assembled("2")];
    const { scan } = await predicatesOf(one);
    const result = await works.verified(await works.signed(two, { scan }));
    expect(names(result)).toEqual(["runtime"]);
  });

  it("an acceptance of another digest", async () => {
    const [one, two] = [await works.assembled("1"), await works.assembled("2")];
    const { acceptance } = await predicatesOf(one);
    const result = await works.verified(await works.signed(two, { acceptance }));
    expect(failures(result)).toEqual([
      `acceptance: ${one.index.digest} was accepted, not this image`,
    ]);
  });
});

async function statements(image: Published, accepted: Digest = image.index.digest) {
  const predicates = await predicatesOf(image);
  const acceptance = { ...predicates.acceptance, digest: accepted };
  return kinds.map((kind) => ({ kind, predicate: { ...predicates, acceptance }[kind] }));
}
