import { expect, it } from "@jest/globals";
import type { Lock } from "../../src/models/lock.ts";
import { modelParts } from "../../src/pipeline/model-parts.ts";
import { cycloneDxWith, spdxWith } from "../../src/trivy/sbom.ts";

const sha256 = "a".repeat(64);
const revision = "b".repeat(40);
const lock: Lock = {
  version: 1,
  root: "/models",
  models: [
    {
      ...{ name: "clip", title: "CLIP", delivery: "bake", license: "mit" },
      source: { huggingface: "openai/clip", revision },
      files: [{ path: "model.safetensors", size: 1, sha256 }],
    },
    {
      ...{ name: "voice", title: "Voice", delivery: "mount", license: "somebody's own" },
      source: { url: "file:///weights/voice/" },
      files: [{ path: "voice.pth", size: 1, sha256 }],
    },
  ],
};

it.each([
  ["hybrid", ["clip"]],
  ["bake", ["clip", "voice"]],
  ["mount", []],
] as const)("delivery %s: the image holds %j", (delivery, names) => {
  expect(modelParts(lock, delivery).map(({ name }) => name)).toEqual(names);
});

it("CycloneDX has a model with version, licence, source and hashes, below the image", () => {
  const before = {
    metadata: { component: { "bom-ref": "image" } },
    components: [{ name: "libc6" }],
    dependencies: [{ ref: "image", dependsOn: ["libc6"] }],
  };
  const document = cycloneDxWith(before, modelParts(lock, "bake"));
  expect(document.components).toEqual([
    { name: "libc6" },
    {
      ...{ type: "machine-learning-model", "bom-ref": "model:clip", name: "clip" },
      ...{ version: revision, licenses: [{ license: { id: "MIT" } }] },
      purl: `pkg:huggingface/openai/clip@${revision}`,
      externalReferences: [
        { type: "distribution", url: `https://huggingface.co/openai/clip/tree/${revision}` },
      ],
      components: [
        {
          ...{ type: "file", "bom-ref": "model:clip/model.safetensors", name: "model.safetensors" },
          hashes: [{ alg: "SHA-256", content: sha256 }],
        },
      ],
    },
    {
      ...{ type: "machine-learning-model", "bom-ref": "model:voice", name: "voice" },
      licenses: [{ license: { name: "somebody's own" } }],
      components: [expect.objectContaining({ name: "voice.pth" })],
    },
  ]);
  expect(document.dependencies?.[0]).toEqual({
    ...{ ref: "image", dependsOn: ["libc6", "model:clip", "model:voice"] },
  });
});

it("SPDX has packages for models and files, each in what contains it", () => {
  const describes = {
    ...{ spdxElementId: "SPDXRef-DOCUMENT", relatedSpdxElement: "SPDXRef-Image" },
    relationshipType: "DESCRIBES",
  };
  const { packages = [], relationships } = spdxWith(
    { packages: [], relationships: [describes] },
    modelParts(lock, "hybrid"),
  );
  const [model, file] = packages as readonly { readonly SPDXID: string }[];
  expect(model).toMatchObject({
    ...{ name: "clip", versionInfo: revision, licenseDeclared: "MIT", filesAnalyzed: false },
    downloadLocation: `https://huggingface.co/openai/clip/tree/${revision}`,
  });
  expect(file).toMatchObject({
    ...{ name: "clip/model.safetensors", primaryPackagePurpose: "FILE" },
    checksums: [{ algorithm: "SHA256", checksumValue: sha256 }],
  });
  expect(relationships.slice(1)).toEqual([
    {
      spdxElementId: "SPDXRef-Image",
      relatedSpdxElement: model?.SPDXID,
      relationshipType: "CONTAINS",
    },
    {
      spdxElementId: model?.SPDXID,
      relatedSpdxElement: file?.SPDXID,
      relationshipType: "CONTAINS",
    },
  ]);
});
