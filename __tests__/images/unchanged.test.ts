import { describe, expect, it } from "@jest/globals";
import { difference } from "../../src/images/difference.ts";
import { names } from "../../src/images/names.ts";
import { imageOf, platformImage, type Settings, software } from "./platforms.ts";

const layers = [software("base"), software("app")];
const old: Settings = {
  config: { User: "nsn", Env: ["REFRESH_NOT=1"] },
  labels: {
    title: "Director",
    "org.opencontainers.image.version": "1.2.3",
    "org.opencontainers.image.revision": "abc",
    [names.base.digest]: "sha256:a",
  },
  annotations: { [names.refresh]: "2026-10" },
};

describe("an image is unchanged", () => {
  it.each<[string, Settings]>([
    ["where nothing is another", old],
    ["where it was made on another day", { ...old, created: "2026-12-01T00:00:00Z" }],
    ["where it is of another month", { ...old, annotations: { [names.refresh]: "2026-11" } }],
    ["where its layers came about otherwise", { ...old, step: "RUN |1 REFRESH=2026-11" }],
    [
      "where it was made for another tag, on a base of another digest with the same layers",
      {
        ...old,
        labels: {
          ...old.labels,
          "org.opencontainers.image.version": "latest",
          [names.base.digest]: "sha256:b",
        },
      },
    ],
  ])("%s", (_, now) => {
    const images = [old, now].map((settings) => imageOf(platformImage(layers, settings)));
    expect(difference(images[0] as never, images[1] as never).unchanged).toBe(true);
  });
});

describe("an image is changed", () => {
  it.each<[string, Settings, readonly ReturnType<typeof software>[]]>([
    ["where a layer is another", old, [software("base"), software("app 2")]],
    ["where a layer is missing", old, [software("base")]],
    ["where layers changed places", old, [software("app"), software("base")]],
    ["where its user is another", { ...old, config: { ...old.config, User: "root" } }, layers],
    [
      "where it is of another commit",
      { ...old, labels: { ...old.labels, "org.opencontainers.image.revision": "def" } },
      layers,
    ],
    ["where it is annotated otherwise", { ...old, annotations: { note: "new" } }, layers],
  ])("%s", (_, now, others) => {
    const [before, after] = [platformImage(layers, old), platformImage(others, now)];
    expect(difference(imageOf(before), imageOf(after)).unchanged).toBe(false);
  });
});
