import { describe, expect, it } from "@jest/globals";
import { type Document, document } from "../../src/images/manifest.ts";
import { type Promoting, promote } from "../../src/pipeline/promote.ts";
import type { Store } from "../../src/ports/store.ts";
import {
  accepted,
  attest,
  candidateOf,
  index,
  log,
  newer,
  older,
  promoting,
  scanned,
} from "./promoting.ts";

const given = promoting();

/** Promotes an image that was tested. */
async function promoteTested(
  image: Document,
  tags: readonly string[],
  to: Store = given.store,
  force = false,
  instead?: Promoting["instead"],
) {
  await given.store.putManifest(image);
  return promote(
    {
      candidate: candidateOf(image),
      tags,
      scans: [scanned],
      accepts: [accepted(image)],
      allowUntested: undefined,
      force,
      instead,
    },
    { store: to, log, attest },
  );
}

describe("promote", () => {
  it("moves every tag, and moves nothing the second time", async () => {
    expect((await promoteTested(older, ["latest", "1.0"])).tags).toMatchObject([
      { tag: "latest", moved: true, why: "first" },
      { tag: "1.0", moved: true, why: "first" },
    ]);
    expect((await promoteTested(older, ["latest"])).tags).toMatchObject([
      { moved: false, why: "already there" },
    ]);
    expect(await given.store.manifestDigest("latest")).toBe(older.digest);
  });

  it("never moves a tag back to an older image unless forced", async () => {
    await promoteTested(newer, ["latest"]);
    expect((await promoteTested(older, ["latest"])).tags).toMatchObject([
      { moved: false, why: expect.stringContaining("held by the newer image") },
    ]);
    expect(await given.store.manifestDigest("latest")).toBe(newer.digest);
    expect((await promoteTested(older, ["latest"], given.store, true)).tags).toMatchObject([
      { moved: true, from: newer.digest },
    ]);
    expect(await given.store.manifestDigest("latest")).toBe(older.digest);
  });

  it("refuses a candidate that the store does not hold", async () => {
    await expect(
      promote(
        {
          candidate: candidateOf(newer),
          tags: ["latest"],
          scans: [scanned],
          accepts: [accepted(newer)],
          allowUntested: undefined,
          force: false,
        },
        { store: given.store, log, attest },
      ),
    ).rejects.toThrow("does not hold the candidate");
  });

  it("refuses a tag that is none", async () => {
    await expect(promoteTested(older, ["a b"])).rejects.toThrow('"a b" is not a tag');
  });
});

describe("promote, when a tag cannot be moved", () => {
  const failing = (change: Partial<Store>): Store => ({ ...given.store, ...change });

  it("puts back those that it moved, and takes away those that were new", async () => {
    await promoteTested(older, ["a"]);
    const broken = failing({
      putManifest: async (manifest, tag) => {
        if (tag === "c") throw new Error("the registry went away");
        await given.store.putManifest(manifest, tag);
      },
    });
    await expect(promoteTested(newer, ["a", "b", "c"], broken)).rejects.toThrow(
      "every tag is where it was before",
    );
    expect(await given.store.manifestDigest("a")).toBe(older.digest);
    expect(await given.store.manifestDigest("b")).toBeUndefined();
  });

  it("puts back those that it moved to what is published instead", async () => {
    const published = index("2026-11-05T00:00:00Z", "published");
    const [platform] = JSON.parse(new TextDecoder().decode(older.bytes)).manifests;
    const held = document(published.mediaType, {
      ...JSON.parse(new TextDecoder().decode(published.bytes)),
      manifests: [platform, platform],
    });
    await given.store.putManifest(held);
    await promoteTested(older, ["a"]);
    const broken = failing({
      putManifest: async (manifest, tag) => {
        expect(manifest.digest).not.toBe(newer.digest);
        if (tag === "b") throw new Error("the registry went away");
        await given.store.putManifest(manifest, tag);
      },
    });
    const instead = { published: held, why: "nothing changed" };
    await expect(promoteTested(newer, ["a", "b"], broken, false, instead)).rejects.toThrow(
      "every tag is where it was before",
    );
    expect(await given.store.manifestDigest("a")).toBe(older.digest);
  });

  it("says which tags it could not put back", async () => {
    const broken = failing({
      removeTag: async () => false,
      putManifest: async (manifest, tag) => {
        if (tag === "b") throw new Error("the registry went away");
        await given.store.putManifest(manifest, tag);
      },
    });
    await expect(promoteTested(newer, ["a", "b"], broken)).rejects.toThrow(
      "could not be put back: a",
    );
  });

  it("leaves a tag alone that somebody else moved meanwhile", async () => {
    const theirs = index("2026-11-20T00:00:00Z", "theirs");
    let reads = 0;
    const raced = failing({
      manifestDigest: async (tag) => {
        if (tag === "b" && reads++ === 0) await given.store.putManifest(theirs, "b");
        return given.store.manifestDigest(tag);
      },
    });
    await expect(promoteTested(newer, ["a", "b"], raced)).rejects.toThrow("could not be moved");
    expect(await given.store.manifestDigest("a")).toBeUndefined();
    expect(await given.store.manifestDigest("b")).toBe(theirs.digest);
  });
});
