import { expect, it } from "@jest/globals";
import { IntegrityError } from "../../src/errors.ts";
import { digestOf } from "../../src/images/digest.ts";
import { readBounded } from "../../src/images/read-bounded.ts";

const digest = digestOf("");

/** A blob without an end; how much of it was read. */
function endless(bytes = Number.POSITIVE_INFINITY) {
  const seen = { pieces: 0, isClosed: false };
  async function* readBlob() {
    try {
      for (let left = bytes; left > 0; left -= 10) {
        seen.pieces += 1;
        yield new Uint8Array(Math.min(10, left));
      }
    } finally {
      seen.isClosed = true;
    }
  }
  return { seen, store: { readBlob } };
}

it("reads a blob as long as it is said to be", async () => {
  const { store } = endless(25);
  expect(await readBounded(store, { digest, size: 25 }, 25)).toHaveLength(25);
});

it("stops where a blob is longer than it is said to be", async () => {
  const { store, seen } = endless();
  const read = readBounded(store, { digest, size: 25 }, 1000);
  await expect(read).rejects.toThrow(IntegrityError);
  await expect(read).rejects.toThrow(`The blob ${digest} is longer than the 25 bytes said of it.`);
  expect(seen).toEqual({ pieces: 3, isClosed: true });
});

it("does not begin with one that is said to be too long", async () => {
  const { store, seen } = endless();
  const read = readBounded(store, { digest, size: 1001 }, 1000);
  await expect(read).rejects.toThrow(/1,001 bytes: at most 1,000 bytes/);
  expect(seen.pieces).toBe(0);
});
