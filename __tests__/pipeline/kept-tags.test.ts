import { describe, expect, it } from "@jest/globals";
import { RemoteError } from "../../src/errors.ts";
import { blobOf } from "../../src/images/blob.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { type Digest, digestOf } from "../../src/images/digest.ts";
import { type Document, descriptorOf, document, parseManifest } from "../../src/images/manifest.ts";
import { refreshed } from "./refreshed.ts";

const given = refreshed();
const only = { "only-changed": "true" };
const at = (tag: string) => given.store.manifestDigest(tag);

describe("promote of a candidate that changes nothing", () => {
  it("brings tags that are behind, and new ones, to the published image, which was tested and signed", async () => {
    const old = await given.candidate("0", "2026-09");
    await given.promote(old, { tags: "monthly" });
    const published = await given.candidate("1", "2026-11");
    await given.promote(published, { tags: "latest" });
    const now = await given.candidate("1", "2026-12");

    const tags = "monthly 2026-12 latest";
    const { result, outputs, summary } = await given.promote(now, { ...only, tags });

    const { digest } = published.image;
    const why = `nothing changed since latest@${digest}`;
    expect(result).toMatchObject({
      published: digest,
      changes: { changed: false, why },
      tags: [
        { tag: "monthly", from: old.image.digest, to: digest, moved: true },
        { tag: "2026-12", to: digest, moved: true, why: `first, to the published image: ${why}` },
        { tag: "latest", from: digest, moved: false, why },
      ],
    });
    expect(await Promise.all(tags.split(" ").map(at))).toEqual([digest, digest, digest]);
    expect(outputs).toMatchObject({ digest, tags: tags.replaceAll(" ", "\n") });
    expect(outputs["ref"]).toMatch(new RegExp(`/nsn/director@${digest}$`));
    expect(summary).toContain("to what is published went `monthly`, `2026-12`.");
  });

  it("leaves a tag at it that it has, beside a newer image of the same", async () => {
    const now = await given.candidate("1", "2026-10");
    await given.promote(now, { tags: "2026-10" });
    const newer = await given.candidate("1", "2026-11");
    await given.promote(newer, { tags: "latest" });
    const { result, outputs } = await given.promote(now, { ...only, tags: "2026-10 latest" });
    expect(result?.tags).toMatchObject([
      { tag: "2026-10", moved: false, why: "already there" },
      { tag: "latest", moved: false },
    ]);
    expect(await at("2026-10")).toBe(now.image.digest);
    expect(outputs).toMatchObject({ digest: newer.image.digest, tags: "latest" });
  });
});

describe("promote of a candidate of which an earlier try moved some tags", () => {
  it("finishes, and reports what changed since the image before", async () => {
    const old = await given.candidate("0", "2026-10");
    await given.promote(old, { tags: "latest" });
    const now = await given.candidate("1", "2026-11");
    await given.promote(now, { tags: "2026-11" });

    const { result, outputs } = await given.promote(now, { ...only, tags: "2026-11 latest" });

    expect(result).toMatchObject({
      changes: { changed: true, since: `latest@${old.image.digest}` },
      tags: [
        { tag: "2026-11", moved: false, why: "already there" },
        { tag: "latest", moved: true, why: "newer" },
      ],
    });
    expect(await at("latest")).toBe(now.image.digest);
    expect(outputs).toMatchObject({ digest: now.image.digest, tags: "2026-11\nlatest" });
  });

  it("does not bring a tag back that has it, though it changes nothing", async () => {
    const old = await given.candidate("1", "2026-10");
    await given.promote(old, { tags: "latest" });
    const now = await given.candidate("1", "2026-11");
    await given.promote(now, { tags: "2026-11" });
    const { result } = await given.promote(now, { ...only, tags: "2026-11 latest" });
    expect(result).toMatchObject({ published: now.image.digest, changes: { changed: false } });
    expect(await at("2026-11")).toBe(now.image.digest);
    expect(await at("latest")).toBe(now.image.digest);
  });

  it("says that nothing changed where all of them have it", async () => {
    const now = await given.candidate("1", "2026-11");
    await given.promote(now, {});
    const { result } = await given.promote(now, only);
    expect(result).toMatchObject({
      changes: { changed: false, since: `latest@${now.image.digest}` },
      tags: [{ tag: "latest", moved: false }],
    });
  });
});

it("a registry that does not give the published image fails the run, and moves nothing", async () => {
  const before = await given.candidate("1", "2026-11");
  await given.promote(before, {});
  const now = await given.candidate("2", "2026-12");
  const document = await given.store.readManifest(before.image.platforms[0]?.digest as Digest);
  given.lose(parseManifest(document as Document).config.digest);
  const { result, error } = await given.promote(now, only);
  expect(error).toBeInstanceOf(RemoteError);
  expect(result?.digest).toBe(before.image.digest);
  expect(await at("latest")).toBe(before.image.digest);
});

it("a published image of which a manifest is gone is replaced", async () => {
  const before = await given.candidate("1", "2026-11");
  await given.promote(before, {});
  const now = await given.candidate("1", "2026-12");
  given.lose(before.image.platforms[0]?.digest as Digest);
  const { result, error } = await given.promote(now, only);
  expect(error).toBeUndefined();
  expect(result?.changes).toMatchObject({
    changed: true,
    why: expect.stringContaining(
      `changed: the published image latest@${before.image.digest} cannot be read: `,
    ),
  });
  expect(await at("latest")).toBe(now.image.digest);
});

it("a published image that is none is replaced", async () => {
  const { store } = given;
  const config = document(mediaTypes.config, {});
  const broken = { ...config, bytes: Buffer.from("no JSON"), digest: digestOf("no JSON") };
  await store.putBlob(blobOf("config", broken.bytes, broken.digest));
  const manifest = document(mediaTypes.manifest, {
    ...{ schemaVersion: 2, mediaType: mediaTypes.manifest, layers: [] },
    config: descriptorOf(broken),
  });
  await store.putManifest(manifest, "latest");
  const now = await given.candidate("1", "2026-12");
  const { result } = await given.promote(now, only);
  expect(result?.changes?.why).toContain(`cannot be read: The config ${broken.digest}`);
  expect(await at("latest")).toBe(now.image.digest);
});
