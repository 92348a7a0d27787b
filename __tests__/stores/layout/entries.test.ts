import { describe, expect, it } from "@jest/globals";
import { type Descriptor, mediaTypes } from "../../../src/images/descriptor.ts";
import { type Digest, digestOf } from "../../../src/images/digest.ts";
import { refName, withManifest, withoutTag } from "../../../src/stores/layout/entries.ts";

const entry = (name: string, tag?: string): Descriptor => ({
  mediaType: mediaTypes.manifest,
  digest: digestOf(name),
  size: 1,
  ...(tag === undefined ? {} : { annotations: { [refName]: tag } }),
});
const none: ReadonlySet<Digest> = new Set();
const a = entry("a");
const b = entry("b");

describe("The entries of a layout's index", () => {
  it.each<[string, readonly Descriptor[], string | undefined, readonly Descriptor[]]>([
    ["list a manifest without a tag", [], undefined, [a]],
    ["list it once", [a], undefined, [a]],
    ["do not list it again beside its tag", [entry("a", "v1")], undefined, [entry("a", "v1")]],
    ["list it under its tag", [b], "v1", [b, entry("a", "v1")]],
    ["list it under its tag alone", [a], "v1", [entry("a", "v1")]],
    ["list it under two tags", [entry("a", "v1")], "v2", [entry("a", "v1"), entry("a", "v2")]],
    ["move a tag and keep what it left", [entry("b", "v1")], "v1", [b, entry("a", "v1")]],
    [
      "move a tag and keep what it left under its other tag",
      [entry("b", "v1"), entry("b", "v0")],
      "v1",
      [entry("b", "v0"), entry("a", "v1")],
    ],
  ])("%s", (_, before, tag, after) => {
    expect(withManifest(before, a, { tag, children: none, named: none })).toEqual(after);
  });

  it("do not list what a listed index names", () => {
    const named = new Set([a.digest]);
    expect(withManifest([b], a, { tag: undefined, children: none, named })).toEqual([b]);
  });

  it("list an index in place of the manifests that it names, but keep their tags", () => {
    const index = entry("index");
    const children = new Set([a.digest, b.digest]);
    expect(
      withManifest([a, entry("b", "v1")], index, { tag: undefined, children, named: none }),
    ).toEqual([entry("b", "v1"), index]);
  });

  it.each<[string, readonly Descriptor[], readonly Descriptor[]]>([
    ["still list what lost its tag", [entry("a", "v1"), b], [b, a]],
    ["list it under its other tag", [entry("a", "v1"), entry("a", "v2")], [entry("a", "v2")]],
    ["are the same without that tag", [b], [b]],
  ])("%s", (_, before, after) => expect(withoutTag(before, "v1")).toEqual(after));

  it("keep other annotations of what lost its tag", () => {
    const { annotations, ...rest } = entry("a", "v1");
    const before = { ...rest, annotations: { ...annotations, "org.example": "x" } };
    expect(withoutTag([before], "v1")).toEqual([{ ...rest, annotations: { "org.example": "x" } }]);
  });
});
