import { createHash, randomBytes } from "node:crypto";
import { expect, it } from "@jest/globals";
import type { NewHash } from "../../src/models/sources/file-hash.ts";
import { withHashThread } from "../../src/models/sources/hash-thread.ts";

const MiB = 2 ** 20;

async function hashed(newHash: NewHash, bytes: Buffer, piece: number): Promise<string> {
  const hash = newHash(bytes.length);
  for (let at = 0; at < bytes.length; at += piece)
    await hash.update(bytes.subarray(at, at + piece));
  return await hash.digest();
}

it("hashes in a thread give what hashes here give, several side by side and with pieces of any size", async () => {
  const all = [4 * MiB, 4 * MiB + 1, 9 * MiB - 1, 5 * MiB, 100].map((size) => randomBytes(size));
  const pieces = [65_536, 65_537, 3 * MiB, 1_000_003, 7];
  const seen = await withHashThread((newHash) =>
    Promise.all(all.map((bytes, at) => hashed(newHash, bytes, pieces[at] ?? MiB))),
  );
  expect(seen).toEqual(all.map((bytes) => createHash("sha256").update(bytes).digest("hex")));
});

it("the thread ends with the work, also with work that fails", async () => {
  const work = withHashThread(async (newHash) => {
    await newHash(8 * MiB).update(randomBytes(2 * MiB));
    throw new Error("failed");
  });
  await expect(work).rejects.toThrow("failed");
});
