import { describe, expect, it } from "@jest/globals";
import { UsageError } from "../../../src/errors.ts";
import { transfer } from "../../../src/stores/transfer.ts";
import { startRegistry } from "../../fakes/registry.ts";
import { open } from "../../stores/ports.ts";
import { attachBundle, attachNonsense, kinds, predicatesOf } from "./published.ts";
import { everything, failures, identity, names, publishing } from "./publishing.ts";

const works = publishing();

describe("an image that is what its makers said", () => {
  it("is verified in a layout", async () => {
    const image = await works.signed(await works.assembled());
    const result = await works.verified(image);
    expect(failures(result)).toEqual([]);
    expect(result).toMatchObject({ verdict: "passed", digest: image.index.digest, leftAside: [] });
    expect(result.checks.map(({ name }) => name)).toEqual(everything);
  });

  it.each([
    ["with the API for referrers", { referrers: true }],
    ["with the list under a tag", {}],
  ])("is verified in a registry %s", async (_, behaviour) => {
    const registry = await startRegistry(behaviour);
    try {
      const store = open(`${registry.host}/nsn/director`);
      const image = await works.assembled();
      await transfer(image.index.digest, image.store, store);
      const result = await works.verified(await works.signed({ ...image, store }));
      expect(failures(result)).toEqual([]);
      expect(result.image).toBe(`${registry.host}/nsn/director@${image.index.digest}`);
    } finally {
      await registry.close();
    }
  });

  it("is not without a single statement", async () => {
    const result = await works.verified(await works.assembled());
    expect(result.verdict).toBe("failed");
    expect(names(result)).toEqual(everything);
  });

  it.each(kinds)("is not without its %s", async (kind) => {
    const image = await works.signed(await works.assembled(), { [kind]: undefined });
    expect(failures(await works.verified(image))).toContain(
      `${kind}: none that counts is attached`,
    );
  });

  it("is one of many platforms, each to be asked for", async () => {
    const image = await works.signed(await works.assembled());
    const result = await works.verified(image, { platforms: ["linux/amd64"] });
    expect(failures(result)).toEqual([]);
    await expect(works.verified(image, { platforms: ["linux/arm64"] })).rejects.toThrow(UsageError);
  });

  it("is read byte by byte where that is asked for, and layers of another making are found", async () => {
    const image = await works.signed(await works.assembled());
    const { checks, verdict } = await works.verified(image, { weights: true });
    expect(verdict).toBe("failed");
    expect(checks.filter((check) => check.verdict === "failed")).toEqual([
      {
        ...{ name: "bytes", platform: "linux/amd64", verdict: "failed" },
        reason: expect.stringMatching(
          /^one\/w: the layer sha256:\S+ is not framed as model layers are .*; two\/w: /,
        ),
      },
    ]);
  });

  it("stays it whatever strangers attach", async () => {
    const image = await works.signed(await works.assembled());
    const predicates = await predicatesOf(image);
    const evil = { ...predicates.scan, verdict: "failed", reason: "says a stranger" };
    await works.sign(image, [{ kind: "scan", predicate: evil }], { repository: "evil/director" });
    await attachBundle(image, "no bundle", "https://slsa.dev/provenance/v1");
    await attachBundle(image, '{"mediaType":"x"}', "x");
    await attachNonsense(image);
    const result = await works.verified(image);
    expect(failures(result)).toEqual([]);
    expect(result.leftAside.map(({ kind, reason }) => [kind, reason])).toEqual(
      expect.arrayContaining([
        [
          "scan",
          `https://github.com/evil/director/.github/workflows/director-image.yml@refs/heads/main signed it, not ${identity}`,
        ],
        ["provenance", expect.stringContaining("no signature bundle of Sigstore")],
        [undefined, expect.stringContaining("no signature bundle of Sigstore")],
        [undefined, expect.stringMatching(/^The bundle sha256:[0-9a-f]{64} .* is not there\.$/)],
      ]),
    );
  });
});
