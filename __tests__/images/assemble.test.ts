import { describe, expect, it } from "@jest/globals";
import {
  type Additions,
  assembleIndex,
  assemblePlatform,
  type ImageConfig,
  type RuntimeImage,
} from "../../src/images/assemble.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { digestOf } from "../../src/images/digest.ts";
import { descriptorOf, document, parseIndex, parseManifest } from "../../src/images/manifest.ts";

const json = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
const layer = (name: string) => ({
  mediaType: mediaTypes.tarGzip,
  digest: digestOf(`gzip ${name}`),
  size: 100,
});

function runtime(
  change: { config?: Partial<ImageConfig>; layers?: number; manifest?: object } = {},
): RuntimeImage {
  const layers = Array.from({ length: change.layers ?? 2 }, (_, at) => layer(String(at)));
  const config = {
    architecture: "amd64",
    os: "linux",
    created: "2020-01-01T00:00:00Z",
    config: { User: "1000", Healthcheck: { Test: ["CMD", "x"] }, Labels: { theirs: "1" } },
    rootfs: { type: "layers" as const, diff_ids: layers.map((_, at) => digestOf(`plain ${at}`)) },
    history: [
      { created_by: "FROM" },
      { created_by: "ENV", empty_layer: true },
      { created_by: "COPY" },
    ],
    "moby.buildkit.cache.v0": "secret",
    ...change.config,
  };
  const configDocument = document(mediaTypes.config, config);
  const manifest = document(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { ...descriptorOf(configDocument), future: true },
    layers,
    strange: "kept",
    ...change.manifest,
  });
  return { platform: { os: "linux", architecture: "amd64" }, manifest, config };
}

const raw = (what: string) => ({ digest: digestOf(what), size: 1024, what });
const additions: Additions = {
  root: "/models",
  models: [raw("clip/model.safetensors"), raw("kokoro/kokoro.pth")],
  lock: raw("models.lock.json"),
  created: "2026-11-24T00:00:00Z",
  labels: { "network.nsn.director.models": "ghcr.io/nsn/director@sha256:0" },
  annotations: { b: "2", a: "1" },
};

describe("an assembled image", () => {
  const { manifest, config, size } = assemblePlatform(runtime(), additions);
  const parsed = parseManifest(manifest);

  it("has the model layers at the bottom, the runtime's as they were, and the lock on top", () => {
    expect(parsed.layers).toEqual([
      { mediaType: mediaTypes.tar, digest: digestOf("clip/model.safetensors"), size: 1024 },
      { mediaType: mediaTypes.tar, digest: digestOf("kokoro/kokoro.pth"), size: 1024 },
      layer("0"),
      layer("1"),
      { mediaType: mediaTypes.tar, digest: digestOf("models.lock.json"), size: 1024 },
    ]);
    expect(size).toBe(3 * 1024 + 200);
  });

  it("has a diff_id and a history entry for each layer, in the same order", () => {
    const { rootfs, history } = json(config.bytes);
    expect(rootfs.diff_ids).toEqual([
      digestOf("clip/model.safetensors"),
      digestOf("kokoro/kokoro.pth"),
      digestOf("plain 0"),
      digestOf("plain 1"),
      digestOf("models.lock.json"),
    ]);
    expect(history.filter((entry: { empty_layer?: boolean }) => !entry.empty_layer)).toHaveLength(
      5,
    );
    expect(history[0].created_by).toBe("director-image: clip/model.safetensors");
  });

  it("keeps every other field, known or not, and drops BuildKit's inline cache", () => {
    const value = json(config.bytes);
    expect(value.config).toMatchObject({
      User: "1000",
      Healthcheck: { Test: ["CMD", "x"] },
      Labels: { theirs: "1", "network.nsn.director.models.root": "/models" },
    });
    expect(value).not.toHaveProperty(["moby.buildkit.cache.v0"]);
    expect(value.created).toBe("2026-11-24T00:00:00Z");
    expect(parsed).toMatchObject({ strange: "kept", annotations: { a: "1", b: "2" } });
    expect(parsed.config).toMatchObject({
      digest: config.digest,
      size: config.bytes.length,
      future: true,
    });
  });

  it("is the same bytes for the same inputs", () => {
    expect(assemblePlatform(runtime(), additions).manifest.digest).toBe(manifest.digest);
  });

  it("is listed in an index of platform manifests only", () => {
    const index = assembleIndex([assemblePlatform(runtime(), additions)], {});
    expect(parseIndex(index).manifests).toEqual([
      {
        mediaType: mediaTypes.manifest,
        digest: manifest.digest,
        size: manifest.bytes.length,
        platform: { os: "linux", architecture: "amd64" },
      },
    ]);
  });
});

it.each([
  ["no history at all", undefined, 2],
  ["a history that is too short", [{ created_by: "FROM" }], 2],
  [
    "a history that is too long",
    [{ created_by: "a" }, { created_by: "b" }, { created_by: "c" }],
    2,
  ],
])("fills in %s", (_, history, layers) => {
  const { history: _old, ...config } = runtime({ layers }).config;
  const image = {
    ...runtime({ layers }),
    config: history === undefined ? config : { ...config, history },
  };
  const made = json(assemblePlatform(image, additions).config.bytes).history as {
    empty_layer?: boolean;
  }[];
  expect(made.filter(({ empty_layer }) => empty_layer !== true)).toHaveLength(layers + 3);
});

describe("a runtime image is refused", () => {
  it.each([
    [
      "that carries weights already",
      { config: { config: { Labels: { "network.nsn.director.models": "x@sha256:1" } } } },
      "already carries the models image x@sha256:1",
    ],
    [
      "with a VOLUME at the root",
      { config: { config: { Volumes: { "/models": {} } } } },
      "has VOLUME /models",
    ],
    [
      "with a VOLUME above the root",
      { config: { config: { Volumes: { "/": {} } } } },
      "has VOLUME /",
    ],
    [
      "with a VOLUME below the root",
      { config: { config: { Volumes: { "/models/clip": {} } } } },
      "has VOLUME /models/clip",
    ],
    ["with 126 layers in all", { layers: 123 }, "would have 126 layers"],
    [
      "whose diff_ids do not count up",
      { config: { rootfs: { type: "layers" as const, diff_ids: [] } } },
      "2 layers but 0 diff_ids",
    ],
    [
      "of Docker's media types",
      {
        manifest: {
          layers: [
            { ...layer("0"), mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip" },
          ],
        },
      },
      "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ],
  ])("%s", (_, change, why) =>
    expect(() => assemblePlatform(runtime(change), additions)).toThrow(why),
  );

  it("and may have a VOLUME beside the root, and 125 layers", () => {
    expect(() =>
      assemblePlatform(
        runtime({ layers: 122, config: { config: { Volumes: { "/models-cache": {} } } } }),
        additions,
      ),
    ).not.toThrow();
  });
});
