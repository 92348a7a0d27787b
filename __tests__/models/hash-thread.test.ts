import { createHash, randomBytes } from "node:crypto";
import type { Worker } from "node:worker_threads";
import { expect, it } from "@jest/globals";
import type { NewHash } from "../../src/models/sources/file-hash.ts";
import { startHashThread, withHashThread } from "../../src/models/sources/hash-thread.ts";

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

/** Threads that are started, which a test may look at and harm. */
function threads() {
  const started: Worker[] = [];
  const start = () => {
    const worker = startHashThread();
    started.push(worker);
    return worker;
  };
  /** A thread that has ended has the number -1. */
  return { started, start, running: () => started.filter(({ threadId }) => threadId !== -1) };
}

it("the thread ends with the work", async () => {
  const { started, start, running } = threads();
  const bytes = randomBytes(8 * MiB);
  await withHashThread(async (newHash) => {
    await Promise.all([hashed(newHash, bytes, MiB), hashed(newHash, bytes, MiB)]);
    expect(running()).toHaveLength(1);
  }, start);
  expect(started).toHaveLength(1);
  expect(running()).toEqual([]);
});

it("the thread ends with the work, also with work that fails", async () => {
  const { started, start, running } = threads();
  const work = withHashThread(async (newHash) => {
    await newHash(8 * MiB).update(randomBytes(2 * MiB));
    throw new Error("failed");
  }, start);
  await expect(work).rejects.toThrow("failed");
  expect(started).toHaveLength(1);
  expect(running()).toEqual([]);
});

it("small files need no thread", async () => {
  const { started, start } = threads();
  await withHashThread((newHash) => hashed(newHash, randomBytes(MiB), MiB), start);
  expect(started).toEqual([]);
});

it.each<[string, (thread: Worker | undefined) => void, RegExp]>([
  ["fails", (thread) => thread?.postMessage(null), /Cannot destructure/],
  ["ends", (thread) => void thread?.terminate(), /ended by itself/],
])(
  "a thread that %s fails the hashes that it had, and later ones get another",
  async (_, harm, says) => {
    const { started, start, running } = threads();
    const bytes = randomBytes(8 * MiB);
    const digest = await withHashThread(async (newHash) => {
      const lost = newHash(8 * MiB);
      await lost.update(bytes.subarray(0, MiB / 2));
      harm(started[0]);
      await expect(lost.digest()).rejects.toThrow(says);
      return await hashed(newHash, bytes, MiB);
    }, start);
    expect(digest).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(started).toHaveLength(2);
    expect(running()).toEqual([]);
  },
);
