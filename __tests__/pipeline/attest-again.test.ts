import { describe, expect, it } from "@jest/globals";
import { attesting, types } from "./attesting.ts";

const start = attesting();

describe.each([
  ["with an API for referrers", { referrers: true }],
  ["without an API for referrers", {}],
])("promote to a registry %s, a second time", (_, behaviour) => {
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

describe("what others said of an image does not spare saying it", () => {
  const main = { repository: "nsn/director", ref: "refs/heads/main" };

  it.each([
    [
      "another repository that calls the same workflow",
      { ...main, repository: "mallory/director" },
    ],
    ["a run of another branch", { ...main, ref: "refs/heads/develop" }],
  ])("%s", async (_, caller) => {
    const claims = { caller };
    const { promote, said } = await start({ claims });
    const theirs = await promote();
    // The stand-in asks for its claims anew for each token.
    claims.caller = main;
    const { attestations = [] } = await promote();
    expect(attestations.map(({ predicateType }) => predicateType)).toEqual(types);
    const own = attestations.map(({ digest }) => digest);
    expect(own).not.toContain(theirs.attestations?.[0]?.digest);
    const signers = (await said()).filter(({ digest }) => own.includes(digest));
    expect(signers.map(({ signer }) => signer.extensions)).toEqual(
      types.map(() =>
        expect.objectContaining({
          sourceRepositoryURI: "https://github.com/nsn/director",
          sourceRepositoryRef: "refs/heads/main",
        }),
      ),
    );
    // The same job once more has said it all.
    expect((await promote()).attestations).toEqual(attestations);
    expect(await said()).toHaveLength(2 * types.length);
  });
});
