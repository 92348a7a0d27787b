import { expect, it } from "@jest/globals";
import { IntegrityError } from "../../src/errors.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { digestOf } from "../../src/images/digest.ts";
import { document, parseIndex, parseManifest } from "../../src/images/manifest.ts";

const entry = { mediaType: mediaTypes.empty, digest: digestOf("{}"), size: 2 };

it.each<[string, object, string]>([
  ["artifactType", { artifactType: 5 }, "an artifactType that is no text"],
  ["annotations", { annotations: "x" }, "annotations that are no texts"],
  ["annotations", { annotations: [] }, "annotations that are no texts"],
  ["an annotation", { annotations: { a: 5 } }, "annotations that are no texts"],
  ["subject", { subject: { digest: 5 } }, "at subject"],
  ["subject", { subject: "sha256:" }, "at subject"],
])("a document whose %s is of another type is refused (%j)", (_, more, said) => {
  for (const read of [
    () => parseManifest(document(mediaTypes.manifest, { config: entry, layers: [], ...more })),
    () => parseIndex(document(mediaTypes.index, { manifests: [], ...more })),
  ]) {
    expect(read).toThrow(IntegrityError);
    expect(read).toThrow(said);
  }
});

it("a descriptor of fewer bytes than none is refused", () => {
  const config = { ...entry, size: -1 };
  const manifest = document(mediaTypes.manifest, { config, layers: [] });
  expect(() => parseManifest(manifest)).toThrow("at config");
});

it.each([{ platform: null }, { platform: { os: "linux" } }, { platform: { os: 5 } }])(
  "a platform that is none is refused (%j)",
  (more) => {
    const index = document(mediaTypes.index, { manifests: [{ ...entry, ...more }] });
    expect(() => parseIndex(index)).toThrow(IntegrityError);
    expect(() => parseIndex(index)).toThrow(
      "a platform without os or architecture at manifests[0]",
    );
  },
);

it("null stands for what a document lacks", () => {
  const none = { artifactType: null, annotations: null, subject: null };
  const manifest = document(mediaTypes.manifest, { config: entry, layers: [], ...none });
  expect(parseManifest(manifest).layers).toEqual([]);
});
