import { createHash } from "node:crypto";

/** A model in an image, in the words of a bill of materials. */
export interface ModelPart {
  readonly name: string;
  /** The commit at the hub; undefined where the source has none. */
  readonly version: string | undefined;
  /** As the lock has it: `mit`. */
  readonly license: string | undefined;
  /** Where it is from, for a program: `pkg:huggingface/…`. */
  readonly purl: string | undefined;
  /** Where it is from, for a person; undefined for a folder of somebody's machine. */
  readonly source: string | undefined;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

/** A document of Trivy's making, with the fields that are read here. */
export interface CycloneDx {
  readonly metadata: { readonly component: { readonly "bom-ref": string } };
  readonly components?: readonly object[];
  readonly dependencies?: readonly {
    readonly ref: string;
    readonly dependsOn?: readonly string[];
  }[];
  readonly [unknown: string]: unknown;
}

export interface Spdx {
  readonly packages?: readonly object[];
  readonly relationships: readonly Relationship[];
  readonly [unknown: string]: unknown;
}

interface Relationship {
  readonly spdxElementId: string;
  readonly relatedSpdxElement: string;
  readonly relationshipType: string;
}

/** What the hub calls licences, in SPDX's letters; others are told as they are written. */
const licenses: Readonly<Record<string, string>> = {
  "apache-2.0": "Apache-2.0",
  "bsd-3-clause": "BSD-3-Clause",
  "cc-by-4.0": "CC-BY-4.0",
  "cc-by-nc-4.0": "CC-BY-NC-4.0",
  "cc-by-sa-4.0": "CC-BY-SA-4.0",
  mit: "MIT",
};

const hashed = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** CycloneDX: each model is a component `machine-learning-model` that its files lie in, and the image depends on it. Pure. */
export function cycloneDxWith(document: CycloneDx, models: readonly ModelPart[]): CycloneDx {
  const image = document.metadata.component["bom-ref"];
  const refs = models.map(({ name }) => `model:${name}`);
  const before = document.dependencies ?? [];
  const own = before.find(({ ref }) => ref === image);
  return {
    ...document,
    components: [...(document.components ?? []), ...models.map(component)],
    dependencies: [
      ...before.filter((entry) => entry !== own),
      { ref: image, dependsOn: [...(own?.dependsOn ?? []), ...refs] },
      ...refs.map((ref) => ({ ref, dependsOn: [] })),
    ],
  };
}

function component({ name, version, license, purl, source, files }: ModelPart): object {
  const id = licenses[license ?? ""];
  return {
    ...{ type: "machine-learning-model", "bom-ref": `model:${name}`, name },
    ...(version === undefined ? {} : { version }),
    ...(license === undefined
      ? {}
      : { licenses: [{ license: id === undefined ? { name: license } : { id } }] }),
    ...(purl === undefined ? {} : { purl }),
    ...(source === undefined
      ? {}
      : { externalReferences: [{ type: "distribution", url: source }] }),
    components: files.map(({ path, sha256 }) => ({
      ...{ type: "file", "bom-ref": `model:${name}/${path}`, name: path },
      hashes: [{ alg: "SHA-256", content: sha256 }],
    })),
  };
}

/** SPDX 2.3: each model is a package that the image contains, and its files are packages in it (a file of SPDX must have a SHA-1). Pure. */
export function spdxWith(document: Spdx, models: readonly ModelPart[]): Spdx {
  const image = document.relationships.find(
    ({ relationshipType }) => relationshipType === "DESCRIBES",
  )?.relatedSpdxElement;
  const parts = models.map(spdxPackages);
  const contains = (from: string, to: string): Relationship => ({
    ...{ spdxElementId: from, relatedSpdxElement: to, relationshipType: "CONTAINS" },
  });
  return {
    ...document,
    packages: [
      ...(document.packages ?? []),
      ...parts.flatMap(({ model, files }) => [model, ...files]),
    ],
    relationships: [
      ...document.relationships,
      ...parts.flatMap(({ model, files }) => [
        contains(image ?? "SPDXRef-DOCUMENT", model.SPDXID),
        ...files.map((file) => contains(model.SPDXID, file.SPDXID)),
      ]),
    ],
  };
}

function spdxPackages({ name, version, license, purl, source, files }: ModelPart) {
  const common = {
    ...{ filesAnalyzed: false, licenseConcluded: "NOASSERTION", copyrightText: "NOASSERTION" },
    downloadLocation: source ?? "NOASSERTION",
  };
  const known = licenses[license ?? ""];
  const reference = { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl" };
  const model = {
    ...{ SPDXID: `SPDXRef-Model-${hashed(name)}`, name, ...common },
    ...(version === undefined ? {} : { versionInfo: version }),
    licenseDeclared: known ?? "NOASSERTION",
    ...(license === undefined || known !== undefined ? {} : { licenseComments: license }),
    ...(purl === undefined ? {} : { externalRefs: [{ ...reference, referenceLocator: purl }] }),
    primaryPackagePurpose: "OTHER",
  };
  return {
    model,
    files: files.map(({ path, sha256 }) => ({
      ...{ SPDXID: `SPDXRef-ModelFile-${hashed(`${name}/${path}`)}`, name: `${name}/${path}` },
      ...{ ...common, packageFileName: path, licenseDeclared: "NOASSERTION" },
      checksums: [{ algorithm: "SHA256", checksumValue: sha256 }],
      primaryPackagePurpose: "FILE",
    })),
  };
}
