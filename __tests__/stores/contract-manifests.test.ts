import { describe, expect, it, jest } from "@jest/globals";
import { MissingBlobError } from "../../src/errors.ts";
import { clock } from "../../src/host/clock.ts";
import { blobOf } from "../../src/images/blob.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { digestOf } from "../../src/images/digest.ts";
import { type Document, descriptorOf, document } from "../../src/images/manifest.ts";
import type { Store } from "../../src/ports/store.ts";
import { kinds, placed } from "./kinds.ts";
import { blob, imageOf, indexOf, open, putImage, testPorts } from "./ports.ts";

// Real programs on a machine that may be busy with other tests.
jest.setTimeout(60_000);

const noConfig = new TextEncoder().encode("{}");
const empty = blobOf("{}", noConfig, digestOf(noConfig));

/** A note on another manifest. */
function attachment(subject: Document, note: string): Document {
  return document(mediaTypes.manifest, {
    ...{ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: "application/x-note" },
    config: { mediaType: mediaTypes.empty, digest: empty.digest, size: empty.size },
    layers: [{ mediaType: mediaTypes.empty, digest: empty.digest, size: empty.size }],
    subject: descriptorOf(subject),
    annotations: { note },
  });
}

describe.each(kinds)("A store in %s", (_, { removesTags, checksManifests }, start) => {
  const place = placed(start);

  it("finds a manifest by digest and by tag, with its bytes and type as they were", async () => {
    const manifest = await putImage(place.store, [blob(5000).source], "v1");
    for (const reference of ["v1", manifest.digest]) {
      const found = await place.store.readManifest(reference);
      expect(found?.mediaType).toBe(manifest.mediaType);
      expect(Buffer.from(found?.bytes ?? [])).toEqual(Buffer.from(manifest.bytes));
      expect(await place.store.manifestDigest(reference)).toBe(manifest.digest);
    }
  });

  it("says that a manifest is not there", async () => {
    const nowhere = open(place.at("nsn/nothing"));
    for (const reference of ["v0", digestOf("nothing")]) {
      expect(await nowhere.readManifest(reference)).toBeUndefined();
      expect(await nowhere.manifestDigest(reference)).toBeUndefined();
    }
    expect(await nowhere.tags()).toEqual([]);
  });

  it("moves a tag to another manifest and keeps the first", async () => {
    const older = await putImage(place.store, [blob(100).source], "latest");
    const newer = await putImage(place.store, [blob(100).source], "latest");
    expect(await place.store.manifestDigest("latest")).toBe(newer.digest);
    expect(await place.store.manifestDigest(older.digest)).toBe(older.digest);
  });

  it("keeps an index over manifests", async () => {
    const manifests = [await putImage(place.store, []), await putImage(place.store, [])];
    const index = indexOf(manifests);
    await place.store.putManifest(index, "multi");
    expect((await place.store.readManifest("multi"))?.mediaType).toBe(index.mediaType);
    expect((await place.store.readManifest(manifests[1]?.digest ?? ""))?.digest).toBe(
      manifests[1]?.digest,
    );
  });

  it("lists all tags", async () => {
    const many = open(place.at("nsn/tags"));
    const names = ["a", "b", "c", "d", "e"];
    for (const name of names) await putImage(many, [], name);
    expect([...(await many.tags())].sort()).toEqual(names);
  });

  it("takes a tag away and keeps what it pointed at, or says that it cannot", async () => {
    const manifest = await putImage(place.store, [], "gone");
    expect(await place.store.removeTag("gone")).toBe(removesTags);
    expect(await place.store.manifestDigest("gone")).toBe(
      removesTags ? undefined : manifest.digest,
    );
    expect(await place.store.manifestDigest(manifest.digest)).toBe(manifest.digest);
  });

  it("names the blob that a manifest lacks", async () => {
    const lacking = blob(100);
    const config = blob(100);
    await place.store.putBlob(config.source);
    const put = place.store.putManifest(imageOf(config, [lacking.source]), "lacking");
    if (!checksManifests) return await expect(put).resolves.toBeUndefined();
    await expect(put).rejects.toThrow(MissingBlobError);
    await expect(put).rejects.toMatchObject({ digests: [lacking.digest] });
  });

  it("lists what is attached to a manifest, and only that, with its type and annotations", async () => {
    const subject = await putImage(place.store, []);
    expect(await place.store.referrers(subject.digest)).toEqual([]);
    const attached = ["a", "b", "c"].map((name) => attachment(subject, name));
    await place.store.putBlob(empty);
    for (const manifest of attached) await place.store.putReferrer(manifest);
    await place.store.putReferrer(attachment(await putImage(place.store, []), "other"));
    await place.store.putReferrer(attached[0] as Document);
    expect(await place.store.referrers(subject.digest)).toEqual(
      attached.map(({ digest, bytes, mediaType }, at) => ({
        ...{ mediaType, digest, size: bytes.length, artifactType: "application/x-note" },
        annotations: { note: ["a", "b", "c"][at] },
      })),
    );
  });

  it("lists what several writers attach at once", async () => {
    const subject = await putImage(place.store, []);
    await place.store.putBlob(empty);
    const names = ["a", "b", "c"];
    await Promise.all(
      names.map((name) =>
        open(place.store.name, {}, { ...testPorts(), clock }).putReferrer(
          attachment(subject, name),
        ),
      ),
    );
    const listed = await place.store.referrers(subject.digest);
    expect(listed.map(({ annotations }) => annotations?.["note"]).sort()).toEqual(names);
  });

  it("takes the same and other things from several writers at once", async () => {
    const shared = blob(1_200_000);
    const writers = Array.from({ length: 6 }, () => open(place.at("nsn/many"), {}, testPorts()));
    // Distribution 2.8 loses sight of a blob for a moment while another writer ends an upload of the same one.
    const persistently = async (writer: Store, at: number): Promise<Document> => {
      const own = blob(500).source;
      for (let lost = 0; ; lost += 1) {
        try {
          return await putImage(writer, [shared.source, own], `t${at}`);
        } catch (error) {
          if (!(error instanceof MissingBlobError) || lost === 5) throw error;
        }
      }
    };
    const manifests = await Promise.all(writers.map(persistently));
    const reader = open(place.at("nsn/many"));
    expect([...(await reader.tags())].sort()).toEqual(["t0", "t1", "t2", "t3", "t4", "t5"]);
    expect(await Promise.all(writers.map((_, at) => reader.manifestDigest(`t${at}`)))).toEqual(
      manifests.map(({ digest }) => digest),
    );
  });
});
