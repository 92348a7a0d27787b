import { bundleManifest, emptyBlob } from "../../../src/attest/artifact.ts";
import { assemblyBuildType, predicateTypes } from "../../../src/attest/predicates.ts";
import { type Subject, statementOf } from "../../../src/attest/statement.ts";
import { blobOf } from "../../../src/images/blob.ts";
import { mediaTypes } from "../../../src/images/descriptor.ts";
import { type Digest, digestOf } from "../../../src/images/digest.ts";
import {
  type Document,
  descriptorOf,
  document,
  parseIndex,
  parseManifest,
} from "../../../src/images/manifest.ts";
import { platformName } from "../../../src/images/platform.ts";
import { type CompleteLock, filesOf } from "../../../src/models/lock.ts";
import { formatLock } from "../../../src/models/lock-text.ts";
import { readConfigBlob } from "../../../src/pipeline/runtime-images.ts";
import type { Store } from "../../../src/ports/store.ts";
import { keylessSigner } from "../../../src/sigstore/sign.ts";
import type { FakeSigstore } from "../../fakes/sigstore.ts";
import { testPorts } from "../../stores/ports.ts";

/** An image, and what its makers know of it. */
export interface Published {
  readonly store: Store;
  readonly index: Document;
  readonly lock: CompleteLock;
  /** Of each platform, in the index's order: the runtime image's digest, and its layers' diff_ids. */
  readonly runtimes: readonly { readonly digest: Digest; readonly diffIds: readonly Digest[] }[];
}

export type StatementName = keyof typeof predicateTypes;
export const kinds: readonly StatementName[] = ["provenance", "scan", "acceptance", "sbom"];

/** What promote says of an image that was scanned and accepted, by the kind of statement. */
export async function predicatesOf(image: Published): Promise<Record<StatementName, object>> {
  const { index, lock, runtimes, store } = image;
  const platforms = parseIndex(index).manifests.map(({ platform }, at) => ({
    platform: platform === undefined ? "" : platformName(platform),
    digest: runtimes[at]?.digest ?? digestOf(""),
    diffIds: runtimes[at]?.diffIds ?? [],
  }));
  const sha256 = (digest: string) => ({ sha256: digest.replace("sha256:", "") });
  const label = await modelsImageOf(index, store);
  return {
    provenance: {
      buildDefinition: {
        buildType: assemblyBuildType,
        externalParameters: {
          image: store.name,
          platforms: platforms.map(({ platform }) => platform),
          models: { lock: "models.lock.json", delivery: "bake", repository: store.name },
          created: "2026-11-09T00:00:00Z",
        },
        resolvedDependencies: [
          ...platforms.map(({ platform, digest }) => ({
            digest: sha256(digest),
            annotations: { kind: "runtime", platform },
          })),
          ...filesOf(lock.models).map(({ id, file }) => ({
            name: id,
            digest: sha256(file.sha256),
            annotations: { kind: "weight" },
          })),
          { digest: sha256(digestOf(formatLock(lock))), annotations: { kind: "lock" } },
          ...(label === undefined
            ? []
            : [{ digest: sha256(label), annotations: { kind: "models-image" } }]),
        ],
      },
      runDetails: { builder: { id: "https://github.com/nsn/director" } },
    },
    scan: {
      verdict: "passed",
      platforms: platforms.map(({ platform, digest, diffIds }) => ({ platform, digest, diffIds })),
      database: { updatedAt: new Date().toISOString(), source: "a test" },
    },
    acceptance: {
      digest: index.digest,
      platform: platforms[0]?.platform ?? "",
      ...{ target: "container", verdict: "passed", checks: [] },
    },
    sbom: { bomFormat: "CycloneDX", specVersion: "1.6", components: [] },
  };
}

async function modelsImageOf(index: Document, store: Store): Promise<string | undefined> {
  const [first] = parseIndex(index).manifests;
  const manifest = first && (await store.readManifest(first.digest));
  const config = manifest && (await readConfigBlob(manifest, store));
  return config?.config?.Labels?.["network.nsn.director.models"]?.split("@")[1];
}

/** Index and platforms, as every statement names them. */
function subjectsOf(index: Document, name: string): [Subject, ...Subject[]] {
  return [
    { name, digest: index.digest },
    ...parseIndex(index).manifests.map(({ digest }) => ({ name, digest })),
  ];
}

export interface Attachment {
  readonly kind: StatementName;
  readonly predicate: object;
  /** What it says that it is about; the image by default. */
  readonly about?: Document;
}

/** Signs statements as the job that the stand-in's tokens are of, and attaches them to an image. */
export async function attach(
  { store, index }: Pick<Published, "store" | "index">,
  attachments: readonly Attachment[],
  sigstore: FakeSigstore,
): Promise<readonly string[]> {
  const signer = await keylessSigner(sigstore.source, sigstore, testPorts());
  const bundles: string[] = [];
  for (const { kind, predicate, about = index } of attachments) {
    const type = predicateTypes[kind];
    const bundle = await signer.sign(statementOf(subjectsOf(about, store.name), type, predicate));
    await attachBundle({ store, index }, bundle, type);
    bundles.push(bundle);
  }
  return bundles;
}

/** Attaches what only a stranger does: a bundle that is nowhere, a type that is no text. */
export async function attachNonsense({ store, index }: Published): Promise<void> {
  const subject = descriptorOf(index);
  const bundle = new TextEncoder().encode("a bundle that is nowhere");
  const lost = bundleManifest({ bundle, predicateType: "x", created: "2026-11-09", subject });
  await store.putManifest(lost);
  const { layers: _layers, ...rest } = parseManifest(lost);
  for (const more of [
    { artifactType: 5, layers: [] },
    { layers: 5 },
    { layers: [], annotations: 5 },
  ])
    await store.putManifest(document(mediaTypes.manifest, { ...rest, ...more }));
}

/** Attaches whatever bytes to an image as if they were a bundle. */
export async function attachBundle(
  { store, index }: Pick<Published, "store" | "index">,
  bundle: string,
  predicateType: string,
): Promise<Digest> {
  const bytes = new TextEncoder().encode(bundle);
  for (const blob of [emptyBlob, bytes])
    await store.putBlob(blobOf("bundle", blob, digestOf(blob)));
  const created = "2026-11-09T00:00:00Z";
  const subject = descriptorOf(index);
  const manifest = bundleManifest({ bundle: bytes, predicateType, created, subject });
  await store.putReferrer(manifest);
  return manifest.digest;
}
