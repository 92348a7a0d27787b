import { describe, expect, it, jest } from "@jest/globals";
import { IntegrityError } from "../../src/errors.ts";
import type { BlobSource } from "../../src/images/blob.ts";
import { digestOf } from "../../src/images/digest.ts";
import { kinds, placed } from "./kinds.ts";
import { blob, collect, inPieces, open } from "./ports.ts";

// Real programs on a machine that may be busy with other tests.
jest.setTimeout(60_000);

describe.each(kinds)("A store in %s", (_, { mounts }, start) => {
  const place = placed(start);

  it.each([
    ["empty", 0],
    ["small", 1000],
    ["of several pieces", 3_000_000],
  ])("gives back a blob that is %s, byte for byte", async (_size, size) => {
    const { bytes, source, digest } = blob(size);
    expect(await place.store.putBlob(source)).toEqual({ digest, size, bytesSent: size });
    expect(await place.store.blobSize(digest)).toBe(size);
    expect((await collect(place.store.readBlob(digest))).equals(bytes)).toBe(true);
  });

  it("keeps a blob whose digest only its bytes can tell", async () => {
    const { bytes, source, digest } = blob(2_000_000);
    const { digest: _unknown, ...open } = source;
    expect((await place.store.putBlob(open)).digest).toBe(digest);
    expect((await collect(place.store.readBlob(digest))).equals(bytes)).toBe(true);
  });

  it("reads a blob from any byte on", async () => {
    const { bytes, source, digest } = blob(200_000);
    await place.store.putBlob(source);
    const from = 123_456;
    expect((await collect(place.store.readBlob(digest, from))).equals(bytes.subarray(from))).toBe(
      true,
    );
  });

  it("says that a blob is not there, and cannot read it", async () => {
    const { digest } = blob(10);
    expect(await place.store.blobSize(digest)).toBeUndefined();
    await expect(collect(place.store.readBlob(digest))).rejects.toThrow(digest);
  });

  it("takes a blob a second time", async () => {
    const { source, digest } = blob(1_500_000);
    await place.store.putBlob(source);
    expect((await place.store.putBlob(source)).digest).toBe(digest);
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
      await expect(place.store.putBlob({ ...source, ...change(bytes) })).rejects.toThrow(
        IntegrityError,
      );
      expect(await place.store.blobSize(digest)).toBeUndefined();
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
    await expect(place.store.putBlob(slow, { signal: stop.signal })).rejects.toThrow(
      "told to stop",
    );
    expect(await place.store.blobSize(digest)).toBeUndefined();
    await place.store.putBlob(source);
    expect(await place.store.blobSize(digest)).toBe(bytes.length);
  });

  it("shows how far it has come", async () => {
    const { source } = blob(1_500_000);
    const seen: number[] = [];
    await place.store.putBlob(source, { onProgress: (done) => seen.push(done) });
    expect(seen.at(-1)).toBe(1_500_000);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
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
    expect(await place.store.mountBlob(digestOf("x"), "oci:somewhere")).toBe(false);
    expect(await place.store.mountBlob(digestOf("x"), "ghcr.io/nsn/models")).toBe(false);
  });
});
