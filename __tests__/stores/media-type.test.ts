import { expect, it } from "@jest/globals";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { mediaTypeOf } from "../../src/stores/media-type.ts";

const bytes = (value: object) => new TextEncoder().encode(JSON.stringify(value));

it.each<[string, object, string | undefined, string]>([
  ["its server's", { mediaType: "a/b" }, `${mediaTypes.manifest}; charset=x`, mediaTypes.manifest],
  ["its own, where the server says nothing of use", { mediaType: "a/b" }, "text/plain", "a/b"],
  ["its shape's, an index", { manifests: [] }, undefined, mediaTypes.index],
  ["its shape's, a manifest", {}, undefined, mediaTypes.manifest],
  ["its shape's where it is none", { mediaType: "a/b\nVerified." }, undefined, mediaTypes.manifest],
])("the media type is %s", (_, value, said, wanted) => {
  expect(mediaTypeOf(bytes(value), said)).toBe(wanted);
});
