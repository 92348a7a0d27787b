import { describe, expect, it } from "@jest/globals";
import { UsageError } from "../../src/errors.ts";
import type { Lock, LockedLayer } from "../../src/models/lock.ts";
import { parseLock } from "../../src/models/lock-parse.ts";
import { canonicalLock, formatLock, lockTag } from "../../src/models/lock-text.ts";

const sha256 = "a2bf730a0c7debf160f7a6b50b3aaf3703e7e88ac73de7a314903141db026dcb";
const revision = "32bd64288804d66eefd0ccbe215aa642df71cc41";
const digest = `sha256:${"d".repeat(64)}` as const;

const clip = {
  name: "clip-vit-l-14",
  title: "CLIP-ViT-L-14",
  delivery: "bake",
  license: "mit",
  source: { huggingface: "openai/clip-vit-large-patch14", revision },
  mirrors: ["https://cdn.example/clip-vit-l-14/"],
  files: [{ path: "model.safetensors", size: 1_710_540_580, sha256 }],
} as const;
const layer: LockedLayer = {
  digest,
  size: 1_710_543_360,
  files: ["clip-vit-l-14/model.safetensors"],
};
const lock: Lock = { version: 1, root: "/models", models: [clip], layers: [layer] };

const withModel = (changes: object) => ({
  ...lock,
  models: [{ ...clip, ...changes }],
  layers: undefined,
});
const withFile = (changes: object) => withModel({ files: [{ ...clip.files[0], ...changes }] });
const withPaths = (...paths: string[]) =>
  withModel({ files: paths.map((path) => ({ path, size: 1, sha256 })) });
const withLayers = (...layers: object[]) => ({ ...lock, layers });

describe("a lock", () => {
  it("is read as it is written, open or complete", () => {
    expect(parseLock(formatLock(lock), "models.lock.json")).toEqual(lock);
    const { layers: _layers, ...open } = lock;
    expect(parseLock(formatLock(open), "models.lock.json")).toEqual(open);
  });

  it("has a tag that does not depend on its layers, its keys' order or its white space", () => {
    const { layers: _layers, models, ...rest } = lock;
    const turned = {
      models: models.map((model) => Object.fromEntries(Object.entries(model).reverse())),
      ...rest,
    };
    expect(lockTag(turned as unknown as Lock)).toBe(lockTag(lock));
    expect(lockTag(lock)).toBe("models-49eb71ebd8ac");
    expect(canonicalLock(lock).startsWith('{"models":[{"delivery":"bake","files":[{"path":')).toBe(
      true,
    );
  });

  it.each<[string, object, string]>([
    ["another version", { ...lock, version: 2 }, "version: wanted 1"],
    ["an unknown key", { ...lock, extra: 1 }, 'Unrecognized key: "extra"'],
    [
      "an unknown key in a file",
      withFile({ md5: "" }),
      'models.0.files.0: Unrecognized key: "md5"',
    ],
    [
      "a root that is no folder below /",
      { ...lock, root: "/" },
      'root: "/" is not an absolute path',
    ],
    ["a root that escapes", { ...lock, root: "/models/../etc" }, "leads out of its folder"],
    [
      "an absolute path",
      withFile({ path: "/etc/passwd" }),
      'models.0.files.0.path: "/etc/passwd" is absolute',
    ],
    ["an escaping path", withFile({ path: "a/../../b" }), "leads out of its folder"],
    ["a path with empty parts", withFile({ path: "a//b" }), "not in its plain form"],
    ["a backslash", withFile({ path: "a\\b" }), "has a backslash"],
    [
      "a control character",
      withFile({ path: "a\nb" }),
      '"a\\nb" has characters that no path may have',
    ],
    ["a whiteout", withFile({ path: "a/.wh.b" }), "would be a whiteout"],
    ["a path twice", withPaths("a", "b", "a"), 'models.0.files.2.path: "a" is there twice'],
    [
      "a path twice by case",
      withPaths("Config.json", "config.json"),
      '"config.json" and "Config.json" differ by case only',
    ],
    [
      "a file that is a folder too",
      withPaths("a", "a/b"),
      '"a" is also the folder of another file',
    ],
    [
      "a malformed hash",
      withFile({ sha256: sha256.toUpperCase() }),
      "models.0.files.0.sha256: wanted 64 hexadecimal digits",
    ],
    ["a malformed size", withFile({ size: -1 }), "models.0.files.0.size"],
    ["a size with a fraction", withFile({ size: 1.5 }), "models.0.files.0.size"],
    [
      "a model twice",
      { ...lock, models: [clip, clip], layers: undefined },
      'models.1.name: "clip-vit-l-14" is there twice',
    ],
    [
      "a model in the lock's place",
      withModel({ name: "models.lock.json" }),
      "is the lock's own place",
    ],
    [
      "a name that escapes",
      withModel({ name: "../x" }),
      "models.0.name: wanted lower-case letters",
    ],
    [
      "a branch for a revision",
      withModel({ source: { huggingface: "a/b", revision: "main" } }),
      "models.0.source.revision: wanted a commit of 40 hexadecimal digits",
    ],
    [
      "a plain-HTTP source",
      withModel({ source: { url: "http://cdn.example/" } }),
      "plain HTTP, which is for loopback only",
    ],
    [
      "a plain-HTTP mirror",
      withModel({ mirrors: ["http://10.0.0.1/"] }),
      'models.0.mirrors.0: "http://10.0.0.1/" is plain HTTP',
    ],
    [
      "a password in an address",
      withModel({ source: { url: "https://a:b@cdn.example/" } }),
      "must not carry a password",
    ],
    [
      "a host in a file: address",
      withModel({ source: { url: "file://models/m/" } }),
      '"file://models/m/" names the host models; wanted file:///',
    ],
    [
      "an escaped slash in a file: address",
      withModel({ mirrors: ["file:///srv/a%2Fb/"] }),
      'models.0.mirrors.0: "file:///srv/a%2Fb/" has escapes that no path may have',
    ],
    [
      "an escape that is none in a file: address",
      withModel({ source: { url: "file:///srv/%zz/" } }),
      "has escapes that no path may have",
    ],
    [
      "an escaped zero byte in a file: address",
      withModel({ source: { url: "file:///srv/%00/" } }),
      "has escapes that no path may have",
    ],
    ["no files", withModel({ files: [] }), "models.0.files: wanted at least one file"],
    [
      "a layer of a file that is not there",
      withLayers({ ...layer, files: ["clip-vit-l-14/other"] }),
      'layers.0.files.0: "clip-vit-l-14/other" is no file of models',
    ],
    [
      "a file in two layers",
      withLayers(layer, { ...layer, digest: digest.replaceAll("d", "e") }),
      "is in a layer twice",
    ],
    [
      "a file in no layer",
      withLayers(),
      'layers: "clip-vit-l-14/model.safetensors" is in no layer',
    ],
    [
      "a layer whose size cannot be",
      withLayers({ ...layer, size: 5 }),
      "layers.0.size: says 5, but its files make a layer of 1710543360 bytes",
    ],
    [
      "a layer without a digest",
      withLayers({ ...layer, digest: "sha256:1" }),
      "layers.0.digest: wanted sha256:",
    ],
    [
      "too many layers",
      withLayers(...Array.from({ length: 41 }, () => layer)),
      "layers: there are 41 layers, at most 40",
    ],
  ])("with %s is refused, and the place is named", (_, value, message) => {
    const parse = () => parseLock(JSON.stringify(value), "models.lock.json");
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(/^models\.lock\.json: /);
  });

  it("that is not JSON is refused", () => {
    expect(() => parseLock("{", "models.lock.json")).toThrow("models.lock.json: this is not JSON.");
  });

  it("takes plain HTTP on loopback, and folders of the machine", () => {
    for (const url of [
      "http://127.0.0.1:8080/models/",
      "http://localhost/x",
      "file:///srv/models",
      "file:///a%20stick/",
      "file://localhost/srv/",
    ])
      expect(() => parseLock(JSON.stringify(withModel({ source: { url } })), "lock")).not.toThrow();
  });
});
