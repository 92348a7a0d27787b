import { describe, expect, it } from "@jest/globals";
import { type Aged, ageOf, promotion } from "../../src/images/age.ts";
import { digestOf } from "../../src/images/digest.ts";

const image = (
  commitTime: string,
  { refresh, build = commitTime }: { refresh?: string; build?: string } = {},
) => ({
  digest: digestOf(`index ${commitTime} ${refresh} ${build}`),
  platforms: [digestOf(`manifest ${build} ${refresh}`)],
  age: { commitTime, ...(refresh === undefined ? {} : { refresh }) },
});
const unknown: Aged = { digest: digestOf("other"), platforms: [digestOf("other")], age: undefined };
const candidate = image("2026-11-01T00:00:00Z");

describe("a tag", () => {
  it.each([
    ["goes to a first image", undefined, candidate, true, "first"],
    ["stays where it is already", candidate, candidate, false, "already there"],
    [
      "stays at an image of equal platform manifests",
      { ...candidate, digest: digestOf("x") },
      candidate,
      false,
      "unchanged",
    ],
    ["goes to a newer commit", image("2026-10-01T00:00:00Z"), candidate, true, "newer"],
    [
      "is held by a newer commit",
      image("2026-11-09T00:00:00Z"),
      candidate,
      false,
      "held by the newer image of 2026-11-09T00:00:00Z",
    ],
    [
      "goes to a refresh of the same commit",
      candidate,
      image("2026-11-01T00:00:00Z", { refresh: "2026-12" }),
      true,
      "newer",
    ],
    [
      "is held by a refresh of the same commit",
      image("2026-11-01T00:00:00Z", { refresh: "2026-12" }),
      candidate,
      false,
      "held",
    ],
    [
      "goes to a rebuilt image at a tie",
      image("2026-11-01T00:00:00Z", { build: "other" }),
      candidate,
      true,
      "rebuilt",
    ],
    ["goes from an image that does not say its age", unknown, candidate, true, "does not say"],
    ["is held by one that does from one that does not", candidate, unknown, false, "held by"],
    [
      "compares times, not their writing",
      image("2026-11-01T02:00:00+02:00", { build: "other" }),
      candidate,
      true,
      "rebuilt",
    ],
  ])("%s", (_, current, next, move, why) => {
    expect(promotion(current, next, false)).toEqual({ move, why: expect.stringContaining(why) });
  });

  it("goes back to an older image when forced", () => {
    expect(promotion(image("2026-11-09T00:00:00Z"), candidate, true)).toEqual({
      move: true,
      why: expect.stringContaining("by force"),
    });
  });
});

it("reads no age from annotations that have none", () => {
  expect(ageOf({ "org.opencontainers.image.created": "yesterday" })).toBeUndefined();
  expect(ageOf(undefined)).toBeUndefined();
});
