import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { IntegrityError, MissingBlobError } from "../../src/errors.ts";
import { clock } from "../../src/host/clock.ts";
import { type BlobSource, blobOf } from "../../src/images/blob.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { digestOf } from "../../src/images/digest.ts";
import { type Document, descriptorOf, document } from "../../src/images/manifest.ts";
import type { Store } from "../../src/ports/store.ts";
import { startRegistry } from "../fakes/registry.ts";
import { startRegistryProcess } from "../fakes/registry-process.ts";
import { blob, collect, imageOf, indexOf, inPieces, open, putImage, testPorts } from "./ports.ts";

// Real programs on a machine that may be busy with other tests.
jest.setTimeout(60_000);

interface Place {
  /** Where a repository of that name is. */
  at(name: string): string;
  close(): Promise<void>;
}

const registry = async (running: Promise<{ host: string; close(): Promise<void> }>) => {
  const { host, close } = await running;
  return { at: (name: string) => `${host}/${name}`, close };
};

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

const layouts = async (): Promise<Place> => {
  const folder = await mkdtemp(join(tmpdir(), "layouts-"));
  const close = () => rm(folder, { recursive: true, force: true });
  return { at: (name) => `oci:${join(folder, name)}`, close };
};

interface Kind {
  readonly mounts: boolean;
  readonly removesTags: boolean;
  readonly checksManifests: boolean;
}

const all = { mounts: true, removesTags: true, checksManifests: true };
const kinds: readonly (readonly [string, Kind, () => Promise<Place>])[] = [
  ["distribution 3", all, () => registry(startRegistryProcess())],
  [
    "distribution 2.8",
    { ...all, removesTags: false },
    () => registry(startRegistryProcess({ variable: "TEST_OLD_REGISTRY_BIN" })),
  ],
  ["the registry of the tests", all, () => registry(startRegistry())],
  [
    "the registry of the tests with an API for referrers",
    all,
    () => registry(startRegistry({ referrers: true })),
  ],
  ["a layout on disk", { mounts: false, removesTags: true, checksManifests: false }, layouts],
];

describe.each(kinds)("A store in %s", (_, { mounts, removesTags, checksManifests }, start) => {
  let place: Place;
  let store: Store;
  beforeAll(async () => {
    place = await start();
    store = open(place.at("nsn/director"));
  });
  afterAll(() => place?.close());

  it.each([
    ["empty", 0],
    ["small", 1000],
    ["of several pieces", 3_000_000],
  ])("gives back a blob that is %s, byte for byte", async (_size, size) => {
    const { bytes, source, digest } = blob(size);
    expect(await store.putBlob(source)).toEqual({ digest, size, bytesSent: size });
    expect(await store.blobSize(digest)).toBe(size);
    expect((await collect(store.readBlob(digest))).equals(bytes)).toBe(true);
  });

  it("keeps a blob whose digest only its bytes can tell", async () => {
    const { bytes, source, digest } = blob(2_000_000);
    const { digest: _unknown, ...open } = source;
    expect((await store.putBlob(open)).digest).toBe(digest);
    expect((await collect(store.readBlob(digest))).equals(bytes)).toBe(true);
  });

  it("reads a blob from any byte on", async () => {
    const { bytes, source, digest } = blob(200_000);
    await store.putBlob(source);
    const from = 123_456;
    expect((await collect(store.readBlob(digest, from))).equals(bytes.subarray(from))).toBe(true);
  });

  it("says that a blob is not there, and cannot read it", async () => {
    const { digest } = blob(10);
    expect(await store.blobSize(digest)).toBeUndefined();
    await expect(collect(store.readBlob(digest))).rejects.toThrow(digest);
  });

  it("takes a blob a second time", async () => {
    const { source, digest } = blob(1_500_000);
    await store.putBlob(source);
    expect((await store.putBlob(source)).digest).toBe(digest);
  });

  describe.each([
    ["small", 2000],
    ["large", 2_000_000],
  ])("keeps nothing of a %s blob whose source", (_size, size) => {
    it.each<[string, (bytes: Buffer) => Partial<BlobSource>]>([
      ["sends other bytes", (bytes) => ({ open: () => inPieces(Buffer.alloc(bytes.length, 7)) })],
      ["ends early", (bytes) => ({ open: () => inPieces(bytes.subarray(0, bytes.length - 1)) })],
      ["sends more", (bytes) => ({ open: () => inPieces(Buffer.concat([bytes, bytes])) })],
      [
        "finds at its very end that its bytes are unfit",
        (bytes) => ({
          open: async function* () {
            yield* inPieces(bytes);
            throw new IntegrityError("The gate refuses it.");
          },
        }),
      ],
    ])("%s", async (_what, change) => {
      const { bytes, source, digest } = blob(size);
      await expect(store.putBlob({ ...source, ...change(bytes) })).rejects.toThrow(IntegrityError);
      expect(await store.blobSize(digest)).toBeUndefined();
    });
  });

  it("stops when told to, and completes when asked again", async () => {
    const { bytes, source, digest } = blob(5_000_000);
    const stop = new AbortController();
    const slow: BlobSource = {
      ...source,
      open: async function* () {
        yield bytes.subarray(0, 1_000_000);
        stop.abort(new Error("told to stop"));
        yield bytes.subarray(1_000_000);
      },
    };
    await expect(store.putBlob(slow, { signal: stop.signal })).rejects.toThrow("told to stop");
    expect(await store.blobSize(digest)).toBeUndefined();
    await store.putBlob(source);
    expect(await store.blobSize(digest)).toBe(bytes.length);
  });

  it("shows how far it has come", async () => {
    const { source } = blob(1_500_000);
    const seen: number[] = [];
    await store.putBlob(source, { onProgress: (done) => seen.push(done) });
    expect(seen.at(-1)).toBe(1_500_000);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  });

  it("finds a manifest by digest and by tag, with its bytes and type as they were", async () => {
    const manifest = await putImage(store, [blob(5000).source], "v1");
    for (const reference of ["v1", manifest.digest]) {
      const found = await store.readManifest(reference);
      expect(found?.mediaType).toBe(manifest.mediaType);
      expect(Buffer.from(found?.bytes ?? [])).toEqual(Buffer.from(manifest.bytes));
      expect(await store.manifestDigest(reference)).toBe(manifest.digest);
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
    const older = await putImage(store, [blob(100).source], "latest");
    const newer = await putImage(store, [blob(100).source], "latest");
    expect(await store.manifestDigest("latest")).toBe(newer.digest);
    expect(await store.manifestDigest(older.digest)).toBe(older.digest);
  });

  it("keeps an index over manifests", async () => {
    const manifests = [await putImage(store, []), await putImage(store, [])];
    const index = indexOf(manifests);
    await store.putManifest(index, "multi");
    expect((await store.readManifest("multi"))?.mediaType).toBe(index.mediaType);
    expect((await store.readManifest(manifests[1]?.digest ?? ""))?.digest).toBe(
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
    const manifest = await putImage(store, [], "gone");
    expect(await store.removeTag("gone")).toBe(removesTags);
    expect(await store.manifestDigest("gone")).toBe(removesTags ? undefined : manifest.digest);
    expect(await store.manifestDigest(manifest.digest)).toBe(manifest.digest);
  });

  it("mounts from another repository, or says that it cannot", async () => {
    const { source, digest } = blob(5000);
    const models = open(place.at("nsn/models"));
    await models.putBlob(source);
    const other = open(place.at("nsn/other"));
    expect(await other.mountBlob(digest, models.name)).toBe(mounts);
    expect(await other.blobSize(digest)).toBe(mounts ? 5000 : undefined);
  });

  it("does not mount what is nowhere, and takes it then", async () => {
    const { source, digest } = blob(5000);
    const other = open(place.at("nsn/other"));
    expect(await other.mountBlob(digest, place.at("nsn/models"))).toBe(false);
    await other.putBlob(source);
    expect(await other.blobSize(digest)).toBe(5000);
  });

  it("does not mount from a store of another kind or host", async () => {
    expect(await store.mountBlob(digestOf("x"), "oci:somewhere")).toBe(false);
    expect(await store.mountBlob(digestOf("x"), "ghcr.io/nsn/models")).toBe(false);
  });

  it("names the blob that a manifest lacks", async () => {
    const lacking = blob(100);
    const config = blob(100);
    await store.putBlob(config.source);
    const put = store.putManifest(imageOf(config, [lacking.source]), "lacking");
    if (!checksManifests) return await expect(put).resolves.toBeUndefined();
    await expect(put).rejects.toThrow(MissingBlobError);
    await expect(put).rejects.toMatchObject({ digests: [lacking.digest] });
  });

  it("lists what is attached to a manifest, and only that, with its type and annotations", async () => {
    const subject = await putImage(store, []);
    expect(await store.referrers(subject.digest)).toEqual([]);
    const attached = ["a", "b", "c"].map((name) => attachment(subject, name));
    await store.putBlob(empty);
    for (const manifest of attached) await store.putReferrer(manifest);
    await store.putReferrer(attachment(await putImage(store, []), "other"));
    await store.putReferrer(attached[0] as Document);
    expect(await store.referrers(subject.digest)).toEqual(
      attached.map(({ digest, bytes, mediaType }, at) => ({
        ...{ mediaType, digest, size: bytes.length, artifactType: "application/x-note" },
        annotations: { note: ["a", "b", "c"][at] },
      })),
    );
  });

  it("lists what several writers attach at once", async () => {
    const subject = await putImage(store, []);
    await store.putBlob(empty);
    const names = ["a", "b", "c"];
    await Promise.all(
      names.map((name) =>
        open(store.name, {}, { ...testPorts(), clock }).putReferrer(attachment(subject, name)),
      ),
    );
    const listed = await store.referrers(subject.digest);
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
