import { describe, expect, it } from "@jest/globals";
import { type Digest, digestOf } from "../../src/images/digest.ts";
import { document } from "../../src/images/manifest.ts";
import { newestOf, publishedBy, standing, type Tagged } from "../../src/pipeline/published.ts";
import { index, promoting } from "./promoting.ts";

const given = promoting();

/** Images of one commit, by their refresh; `ageless` does not say. */
const tagged = (tags: Readonly<Record<string, string>>): readonly Tagged[] =>
  Object.entries(tags).map(([tag, image]) => {
    const refresh = /\d{4}-\d\d/.exec(image)?.[0];
    const age = refresh === undefined ? undefined : { commitTime: "2026-11-01T00:00:00Z", refresh };
    return { tag, digest: digestOf(image), age };
  });

describe("the published image that operators have", () => {
  it.each<[string, Readonly<Record<string, string>>, string | undefined]>([
    ["is the newest", { "1.2": "2026-10", nightly: "2026-11", latest: "2026-10" }, "nightly"],
    ["is the first at a tie", { "1.2": "2026-11", nightly: "2026-11 b" }, "1.2"],
    ["says how old it is, where any does", { "1.2": "ageless", nightly: "2026-10" }, "nightly"],
    ["is one without an age where there is no other", { nightly: "ageless" }, "nightly"],
    ["is none where nothing is published", {}, undefined],
  ])("%s", (_, tags, expected) => {
    expect(newestOf(tagged(tags))?.tag).toBe(expected);
  });

  it("is under the plan's tags or latest, the main tag first", async () => {
    for (const tag of ["other", "latest", "1.2", "nightly"])
      await given.store.putManifest(
        document("application/vnd.oci.image.index.v1+json", {
          ...JSON.parse(new TextDecoder().decode(index("2026-11-01T00:00:00Z").bytes)),
          manifests: [],
        }),
        tag,
      );
    const all = await publishedBy({ tags: ["nightly", "1.2"], version: "1.2" }, given.store);
    expect(all.map(({ tag }) => tag)).toEqual(["1.2", "nightly", "latest"]);
  });
});

describe("a candidate of 2026-11", () => {
  const candidate: Digest = digestOf("2026-11");
  it.each<[string, Readonly<Record<string, string>>, readonly [string, string] | undefined]>([
    ["is the first where nothing is published", {}, undefined],
    ["stands beside the newest", { monthly: "2026-09", latest: "2026-10" }, ["latest", "latest"]],
    ["finishes what it began", { "2026-11": "2026-11", latest: "2026-10" }, ["latest", "2026-11"]],
    ["finishes where images tie", { a: "2026-11 b", latest: "2026-11" }, ["a", "latest"]],
    ["yields to a newer one", { "2026-11": "2026-11", latest: "2026-12" }, ["latest", "latest"]],
    ["outdoes one without an age", { a: "2026-11", latest: "ageless" }, ["latest", "a"]],
    ["is compared with itself alone", { a: "2026-11", latest: "2026-11" }, ["a", "a"]],
  ])("%s", (_, tags, expected) => {
    const found = standing(tagged(tags), candidate);
    expect(found && [found.since.tag, found.tagged.tag]).toEqual(expected);
  });
});
