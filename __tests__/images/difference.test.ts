import { describe, expect, it } from "@jest/globals";
import { difference } from "../../src/images/difference.ts";
import { names } from "../../src/images/names.ts";
import { imageOf, type Layer, lock, model, platformImage, software } from "./platforms.ts";

const [flux, clip] = [model("flux", 9000), model("clip", 1000)];
const [base, app, newApp] = [software("base", 100), software("app", 10), software("app 2", 20)];
const newLock = model("models.lock.json 2", 2);
const before = [flux, clip, base, app, lock];

const statesOf = (old: readonly Layer[], now: readonly Layer[]) => {
  const [one] = difference(imageOf(platformImage(old)), imageOf(platformImage(now))).platforms;
  return {
    bytes: one?.bytes,
    states: one?.layers.map(({ state, part }) => `${part} ${state}`),
    gone: one?.gone.map(({ what }) => what),
  };
};

describe("the layers of a newer image", () => {
  it.each<[string, readonly Layer[], number, number, readonly string[], readonly string[]]>([
    [
      "are all kept, where there are no others",
      before,
      ...([0, 0] as const),
      ["models kept", "models kept", "runtime kept", "runtime kept", "lock kept"],
      [],
    ],
    [
      "cost new software alone, where the weights lie below it; the lock is unpacked again",
      [flux, clip, base, newApp, lock],
      ...([20, 21] as const),
      ["models kept", "models kept", "runtime kept", "runtime new", "lock moved"],
      ["COPY app"],
    ],
    [
      "are written anew above a new model, and fetched only where they are new",
      [flux, model("clip 2", 2000), base, app, newLock],
      ...([2002, 2112] as const),
      ["models kept", "models new", "runtime moved", "runtime moved", "lock new"],
      ["clip", "models.lock.json"],
    ],
    [
      "are all written anew where the lowest one went",
      [clip, base, app, lock],
      ...([0, 1111] as const),
      ["models moved", "runtime moved", "runtime moved", "lock moved"],
      ["flux"],
    ],
    [
      "are fetched once, however often they are there",
      [flux, clip, base, app, newApp, newApp, lock],
      ...([20, 41] as const),
      [
        ...["models kept", "models kept", "runtime kept", "runtime kept"],
        ...["runtime new", "runtime new", "lock moved"],
      ],
      [],
    ],
  ])("%s", (_, now, download, unpack, states, gone) => {
    const total = [...new Set(now)].reduce((sum, { size }) => sum + size, 0);
    expect(statesOf(before, now)).toEqual({ bytes: { download, unpack, total }, states, gone });
  });
});

describe("the platforms of a newer image", () => {
  const amd64 = platformImage(before);
  const arm64 = platformImage(before, { platform: "linux/arm64" });

  it("that are new are fetched whole", () => {
    const { platforms, unchanged } = difference(imageOf(amd64), imageOf(amd64, arm64));
    expect(unchanged).toBe(false);
    expect(platforms[1]).toMatchObject({ bytes: { download: 10_111, unpack: 10_111 } });
    expect(platforms[1]).not.toHaveProperty("from");
  });

  it("that are gone are named", () => {
    expect(difference(imageOf(amd64, arm64), imageOf(amd64))).toMatchObject({
      unchanged: false,
      gone: ["linux/arm64"],
    });
  });
});

describe("the settings of a newer image", () => {
  it("are told one by one, with the base apart", () => {
    const of = (digest: string, config: object, labels: object) =>
      imageOf(
        platformImage(before, {
          config: { ...config },
          labels: { [names.base.name]: "ubuntu:22.04", [names.base.digest]: digest, ...labels },
        }),
      );
    const old = of(
      "sha256:a",
      {
        Entrypoint: ["/app/a"],
        User: "nsn",
        Env: ["PATH=/bin", "RUST_LOG=info", "GONE"],
        ExposedPorts: { "9000/udp": {}, "1/tcp": {} },
        Volumes: null,
      },
      { a: "1" },
    );
    const now = of(
      "sha256:b",
      {
        Entrypoint: ["/app/b"],
        User: "nsn",
        Env: ["RUST_LOG=debug=1", "PATH=/bin"],
        ExposedPorts: { "9000/udp": {}, "2/tcp": {} },
      },
      { a: "2" },
    );
    expect(difference(old, now).platforms[0]).toMatchObject({
      base: { from: "ubuntu:22.04@sha256:a", to: "ubuntu:22.04@sha256:b" },
      config: [
        { field: "Entrypoint", from: '["/app/a"]', to: '["/app/b"]' },
        { field: "Env RUST_LOG", from: "info", to: "debug=1" },
        { field: "Env GONE", from: "", to: undefined },
        { field: "ExposedPorts 1/tcp", from: "set", to: undefined },
        { field: "Labels a", from: "1", to: "2" },
        { field: "ExposedPorts 2/tcp", from: undefined, to: "set" },
      ],
    });
  });
});
