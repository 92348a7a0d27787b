import { type Digest, isDigest } from "../images/digest.ts";
import { parseManifest } from "../images/manifest.ts";
import type { Store } from "../ports/store.ts";
import { fullName } from "./base-image.ts";

/** What a build was made from: images by their full names (`docker.io/library/ubuntu:22.04`). */
export type Materials = ReadonlyMap<string, Digest>;

interface Material {
  readonly uri?: string;
  readonly digest?: { readonly sha256?: string };
}

interface Statement {
  readonly predicate?: {
    /** SLSA 0.2 */
    readonly materials?: readonly Material[];
    /** SLSA 1 */
    readonly buildDefinition?: { readonly resolvedDependencies?: readonly Material[] };
  };
}

/** Reads the images in BuildKit's SLSA provenance from an attestation manifest (BuildKit docs/attestations/attestation-storage.md). */
export async function materialsOf(store: Store, attestation: Digest): Promise<Materials> {
  const manifest = await store.readManifest(attestation);
  const layer =
    manifest &&
    parseManifest(manifest).layers.find(({ annotations }) =>
      annotations?.["in-toto.io/predicate-type"]?.startsWith("https://slsa.dev/provenance/"),
    );
  if (layer === undefined) return new Map();
  const pieces: Uint8Array[] = [];
  for await (const piece of store.readBlob(layer.digest)) pieces.push(piece);
  return readMaterials(Buffer.concat(pieces).toString("utf8"));
}

/** The images among a statement's materials: package URLs such as `pkg:docker/nvidia/cuda@12.6.3?platform=linux%2Famd64`. Pure. */
export function readMaterials(statement: string): Materials {
  const { predicate } = JSON.parse(statement) as Statement;
  const all = predicate?.materials ?? predicate?.buildDefinition?.resolvedDependencies ?? [];
  return new Map(
    all.flatMap(({ uri = "", digest }) => {
      const [, name = "", tag] = /^pkg:docker\/([^@?]+)(?:@([^?]+))?/.exec(uri) ?? [];
      const full = fullName(
        decodeURIComponent(
          tag === undefined ? name : `${name}${tag.startsWith("sha256") ? "@" : ":"}${tag}`,
        ),
      );
      const value = `sha256:${digest?.sha256 ?? ""}`;
      return full !== undefined && isDigest(value) ? [[full, value] as const] : [];
    }),
  );
}
