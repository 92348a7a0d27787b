import { describe, expect, it } from "@jest/globals";
import { judgeLoad, type Load } from "../../src/acceptance/load.ts";
import type { Usage } from "../../src/acceptance/node.ts";

const usage = (cpuSeconds: number, periods = 0, of = 0): Usage => ({
  ...{ cpuSeconds, memoryPeakBytes: 4096 },
  ...(of === 0 ? {} : { throttled: { periods, of } }),
});
const limits = {
  ...{ cpus: 4, memoryBytes: 8192, slots: 2, vramBytes: 12e9, imageBytes: 0 },
  ...{ startupSeconds: 60, shutdownSeconds: 30 },
};
/** Slots of a node that says these figures. */
const says = (...own: readonly number[]) => own.map((bytes) => ({ own: bytes }));
/** Slots of a node that says eight gigabytes each time, and the card's figures after each. */
const liar = (...card: readonly number[]) => card.map((bytes) => ({ own: 8e9, card: bytes }));
const quiet: Load = {
  ...{ before: usage(1), after: usage(2), seconds: 10, slots: says(8e9, 8e9), during: [] },
};

describe("a node under load", () => {
  it.each<[string, Partial<Load>]>([
    ["with processors to spare", { before: usage(10), after: usage(40) }],
    ["whose kernel counts no periods", {}],
    ["without memory on a card", { slots: says(0, 0) }],
    [
      "that was held back before the load only",
      { before: usage(1, 90, 100), after: usage(2, 90, 200) },
    ],
    ["whose kernel keeps no memory peak", { after: { cpuSeconds: 2 } }],
    [
      "whose own figures move when the card's do not",
      {
        slots: [
          { own: 8e9, card: 8e9 },
          { own: 1, card: 8e9 },
        ],
      },
    ],
  ])("%s passes", (_, more) =>
    expect(judgeLoad({ ...quiet, ...more }, limits)).toMatchObject({ verdict: "passed" }),
  );

  it.each<[string, Partial<Load>, string]>([
    [
      "that uses all its processors",
      { before: usage(10), after: usage(50) },
      "it used 100.0 % of its 4 processors",
    ],
    [
      "that is held back",
      { before: usage(1, 0, 100), after: usage(2, 10, 200) },
      "it was held back in 10.0 % of the periods, 10 % are allowed",
    ],
    [
      "that is held back on a kernel that keeps no memory peak",
      { before: usage(1, 0, 100), after: { cpuSeconds: 2, throttled: { periods: 50, of: 200 } } },
      "it was held back in 50.0 % of the periods, 10 % are allowed",
    ],
    [
      "whose memory on the card moves",
      { slots: says(10e9, 9.7e9) },
      "its memory on the card moved by 3.0 %, 2 % are allowed",
    ],
    [
      "whose memory on the card moves without its saying so",
      { slots: liar(8e9, 9e9) },
      "its memory on the card moved by 11.1 %, 2 % are allowed",
    ],
    [
      "that is above the limit while it works, and below it when asked",
      { slots: liar(8e9, 8e9), during: [8e9, 14e9, 8e9] },
      "its memory on the card came to 14.00 GB under load, 12.00 GB are the limit",
    ],
    [
      "that says itself that it is above the limit, where no card tells",
      { slots: says(14e9, 14e9) },
      "its memory on the card came to 14.00 GB under load, 12.00 GB are the limit",
    ],
    [
      "that is above the limit on a kernel that tells nothing",
      { before: undefined, after: undefined, slots: says(14e9, 14e9) },
      "its memory on the card came to 14.00 GB under load, 12.00 GB are the limit",
    ],
  ])("%s fails", (_, more, reason) =>
    expect(judgeLoad({ ...quiet, ...more }, limits)).toMatchObject({ verdict: "failed", reason }),
  );

  it("proves nothing on a kernel that does not tell what it used", () => {
    expect(judgeLoad({ ...quiet, before: undefined }, limits)).toMatchObject({
      verdict: "inconclusive",
      reason: "this machine's kernel does not tell what the node used",
    });
  });

  it("is told by what was measured, and by nothing else", () => {
    expect(judgeLoad(quiet, limits).measured).toEqual({
      ...{ slots: 2, seconds: 10, cpuLoad: 0.025, memoryPeakBytes: 4096 },
      ...{ vramPeakBytes: 8e9, vramDrift: 0, vramFrom: "node" },
    });
    const seen = { after: { cpuSeconds: 2, throttled: { periods: 1, of: 100 } } };
    const card = { slots: liar(8e9, 8e9), during: [9e9] };
    expect(judgeLoad({ ...quiet, ...seen, ...card }, limits).measured).toEqual({
      ...{ slots: 2, seconds: 10, cpuLoad: 0.025, throttled: 0.01 },
      ...{ vramPeakBytes: 9e9, vramDrift: 0, vramFrom: "card" },
    });
  });
});
