import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { clock } from "../../../src/host/clock.ts";
import { type BlobSource, blobOf } from "../../../src/images/blob.ts";
import { digestOf } from "../../../src/images/digest.ts";
import type { Store } from "../../../src/ports/store.ts";
import {
  endInTime,
  lineRate,
  uploadsInTime,
} from "../../../src/stores/registry/uploads-in-time.ts";
import { startRegistry } from "../../fakes/registry.ts";
import { open } from "../ports.ts";

const MB = 1_000_000;
const upload = (megabytes: number, seconds = 0) => ({ remaining: megabytes * MB, seconds });

describe("uploads that share a line", () => {
  it.each([
    ["four shards of 1.7 GB at 60 MB/s", Array(4).fill(upload(1_700)), 60, true],
    ["the same at 10 MB/s", Array(4).fill(upload(1_700)), 10, false],
    ["one of 9.9 GB alone at 25 MB/s", [upload(9_900)], 25, true],
    ["the same with a small one beside it", [upload(9_900), upload(1)], 25, false],
    ["what is nearly done, with another beside it", [upload(10, 400), upload(500)], 25, true],
    ["what has been under way for long, the same", [upload(1_000, 420), upload(1)], 25, false],
  ])("%s", (_, uploads, rate, expected) => {
    expect(endInTime(uploads, rate * MB, 600)).toBe(expected);
  });

  it.each([
    ["is what people report of slow ones until it was measured for a while", 900 * MB, 4, 10 * MB],
    ["is measured then", 900 * MB, 10, 90 * MB],
    ["is never nothing", 0, 10, 1],
  ])("their rate %s", (_, bytes, seconds, expected) => {
    expect(lineRate(bytes, seconds)).toBe(expected);
  });
});

describe("a store whose registry ends long uploads", () => {
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  let store: Store;
  beforeEach(async () => {
    registry = await startRegistry();
    store = open(`${registry.host}/nsn/director`);
  });
  afterEach(() => registry.close());

  /** A blob of 2 MB that notes when it is read, and waits for `until` in its middle. */
  function blob(seed: number, reads: string[], until: Promise<void>): BlobSource {
    const bytes = Buffer.alloc(2 * MB, seed);
    const whole = blobOf(`blob ${seed}`, bytes, digestOf(bytes));
    return {
      ...whole,
      open: async function* (at: number, signal?: AbortSignal) {
        reads.push(`${seed} begins`);
        for await (const piece of whole.open(at, signal)) {
          yield piece.subarray(0, MB);
          await until;
          yield piece.subarray(MB);
        }
        reads.push(`${seed} ends`);
      },
    };
  }

  it("sends side by side what ends in time", async () => {
    const reads: string[] = [];
    const both = gate();
    const timed = uploadsInTime(store, 600, clock);
    const puts = [1, 2].map((seed) => timed.putBlob(blob(seed, reads, both.promise)));
    while (reads.length < 2) await clock.sleep(5);
    both.resolve();
    await Promise.all(puts);
    expect(reads.slice(0, 2).sort()).toEqual(["1 begins", "2 begins"]);
  });

  it("gives the line to one alone that could not end beside another", async () => {
    const reads: string[] = [];
    const timed = uploadsInTime(store, 0.4, clock);
    const puts = [1, 2, 3].map((seed) => timed.putBlob(blob(seed, reads, clock.sleep(20))));
    await Promise.all(puts);
    expect(reads).toEqual(["1 begins", "1 ends", "2 begins", "2 ends", "3 begins", "3 ends"]);
  });

  it("lets one that waits be told to stop, and goes on with those behind it", async () => {
    const reads: string[] = [];
    const stop = new AbortController();
    const timed = uploadsInTime(store, 0.4, clock);
    const first = timed.putBlob(blob(1, reads, clock.sleep(50)));
    const second = timed.putBlob(blob(2, reads, clock.sleep(0)), { signal: stop.signal });
    const third = timed.putBlob(blob(3, reads, clock.sleep(0)));
    stop.abort(new Error("told to stop"));
    await expect(second).rejects.toThrow("told to stop");
    await Promise.all([first, third]);
    expect(reads).toEqual(["1 begins", "1 ends", "3 begins", "3 ends"]);
  });

  it("goes on after one that failed", async () => {
    const timed = uploadsInTime(store, 0.4, clock);
    const broken = { ...blob(1, [], Promise.resolve()), digest: digestOf("another") };
    await expect(timed.putBlob(broken)).rejects.toThrow();
    await expect(timed.putBlob(blob(2, [], Promise.resolve()))).resolves.toMatchObject({
      size: 2 * MB,
    });
  });
});

function gate(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
