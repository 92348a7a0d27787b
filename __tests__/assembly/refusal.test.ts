import { describe, expect, it } from "@jest/globals";
import { type LayerEntry, refusal } from "../../src/assembly/refusal.ts";

const entry = (path: string, more: Partial<LayerEntry> = {}): LayerEntry => ({
  path,
  type: path.endsWith("/") ? "directory" : "file",
  mode: 0o755,
  uid: 0,
  gid: 0,
  ...more,
});

describe("a runtime layer above the weights", () => {
  it.each([
    ["the root's own folder", entry("models/")],
    ["the root's own folder, written with ./", entry("./models/")],
    ["the top", entry("./")],
    ["a neighbour whose name begins like the root", entry("models-old/file")],
    ["a whiteout elsewhere", entry("app/.wh.old")],
    ["a whiteout of a neighbour", entry(".wh.models-old")],
    ["an opaque marker elsewhere", entry("app/.wh..wh..opq")],
    [
      "a symlink elsewhere that points into the models",
      entry("app/weights", { type: "symlink", link: "/models/x" }),
    ],
  ])("may have %s", (_, given) => expect(refusal(given, "/models")).toBeUndefined());

  it.each([
    ["a file below the root", entry("models/clip/x"), "/models", "below the models' root"],
    ["a folder below the root", entry("models/clip/"), "/models", "below the models' root"],
    [
      "a file below the root, by a doubled slash",
      entry("./models//clip"),
      "/models",
      "below the models' root",
    ],
    ["a whiteout below the root", entry("models/.wh.clip"), "/models", "below the models' root"],
    [
      "an opaque marker in the root",
      entry("models/.wh..wh..opq"),
      "/models",
      "below the models' root",
    ],
    ["an opaque marker at the top", entry(".wh..wh..opq"), "/models", "hides every weight"],
    [
      "an opaque marker in an ancestor",
      entry("opt/.wh..wh..opq"),
      "/opt/models",
      "hides every weight",
    ],
    ["a whiteout of the root", entry(".wh.models"), "/models", "hides every weight"],
    ["a whiteout of an ancestor", entry(".wh.opt"), "/opt/models", "hides every weight"],
    [
      "a hard link to a weight",
      entry("app/x", { type: "link", link: "models/clip/x" }),
      "/models",
      "hard link",
    ],
    ["a file in the root's place", entry("models"), "/models", "is no folder"],
    [
      "a symlink in the root's place",
      entry("models", { type: "symlink", link: "/mnt" }),
      "/models",
      "is no folder",
    ],
    [
      "a symlink in an ancestor's place",
      entry("opt", { type: "symlink", link: "/mnt" }),
      "/opt/models",
      "is no folder",
    ],
    [
      "a root that others cannot traverse",
      entry("models/", { mode: 0o750 }),
      "/models",
      "has mode 750",
    ],
    [
      "an ancestor that others cannot traverse",
      entry("opt/", { mode: 0o700 }),
      "/opt/models",
      "has mode 700",
    ],
  ])("may not have %s", (_, given, root, why) => expect(refusal(given, root)).toContain(why));
});
