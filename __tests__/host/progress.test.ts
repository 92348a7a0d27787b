import { expect, it } from "@jest/globals";
import { plainProgress, progressLine } from "../../src/host/progress.ts";

it.each([
  [0, 1000, 0, "weights  0 B of 1.0 kB (0 %)"],
  [500, 1000, 5, "weights  500 B of 1.0 kB (50 %), 100 B/s, 5 s left"],
  [1000, 1000, 5, "weights  1.0 kB of 1.0 kB (100 %), 200 B/s"],
  [2_000_000, undefined, 2, "weights  2.0 MB, 1.0 MB/s"],
  [0, 0, 1, "weights  0 B"],
])("%d of %p after %d s is shown as a line", (done, total, seconds, line) => {
  expect(progressLine("weights", done, total, seconds)).toBe(line);
});

it("plain lines come every ten seconds, and none for work that is faster", () => {
  let now = 0;
  const lines: string[] = [];
  const progress = plainProgress("weights", 100, (line) => lines.push(line), { now: () => now });
  for (now = 0; now <= 25_000; now += 1000) progress.update(now / 1000);
  progress.end();
  expect(lines).toHaveLength(2);
});
