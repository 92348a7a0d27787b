import { buffer } from "node:stream/consumers";
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
    readonly metadata?: { readonly "https://mobyproject.org/buildkit@v1#metadata"?: Steps };
    /** SLSA 1 */
    readonly buildDefinition?: { readonly resolvedDependencies?: readonly Material[] };
    readonly runDetails?: { readonly metadata?: { readonly buildkit_metadata?: Steps } };
  };
}

/** What each step made, and from where in the Dockerfile it is (BuildKit docs/attestations/slsa-definitions.md); only in mode `max`. */
interface Steps {
  readonly source?: {
    readonly locations?: Readonly<Record<string, { readonly locations?: readonly Location[] }>>;
  };
  /** By `step4:0`: the layers of a step's whole result, its own last. */
  readonly layers?: Readonly<Record<string, readonly (readonly { readonly digest: Digest }[])[]>>;
}

interface Location {
  /** Of the Dockerfile's frontend: 0, or absent, is the Dockerfile. */
  readonly sourceIndex?: number;
  readonly ranges?: readonly { readonly start?: { readonly line?: number } }[];
}

/** BuildKit's SLSA provenance in an attestation manifest (BuildKit docs/attestations/attestation-storage.md); undefined where there is none. */
export async function provenanceIn(
  store: Pick<Store, "readManifest" | "readBlob">,
  attestation: Digest,
): Promise<string | undefined> {
  const manifest = await store.readManifest(attestation);
  const layer =
    manifest &&
    parseManifest(manifest).layers.find(({ annotations }) =>
      annotations?.["in-toto.io/predicate-type"]?.startsWith("https://slsa.dev/provenance/"),
    );
  if (layer === undefined) return undefined;
  return (await buffer(store.readBlob(layer.digest))).toString("utf8");
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

/**
 * The lines of the Dockerfile at which the steps begin that made an image's layers, layer by layer. BuildKit tells each step's layers as they were
 * before times were rewritten: an image is known by its layers' digests, else by their number, if but one result has so many. Pure.
 */
export function readLayerLines(
  statement: string,
  layers: readonly Digest[],
): readonly (number | undefined)[] {
  const { predicate } = JSON.parse(statement) as Statement;
  const steps =
    predicate?.metadata?.["https://mobyproject.org/buildkit@v1#metadata"] ??
    predicate?.runDetails?.metadata?.buildkit_metadata;
  const chains = new Map<string, number | undefined>();
  for (const [output, alternatives] of Object.entries(steps?.layers ?? {}))
    for (const chain of alternatives) {
      const key = chain.map(({ digest }) => digest).join();
      // A step without a layer of its own has those of the one before it.
      chains.set(key, earlier(chains.get(key), lineOf(steps, output.split(":")[0] ?? "")));
    }
  const long = [...chains.keys()].filter((key) => key.split(",").length === layers.length);
  const image = long.find((key) => key === layers.join()) ?? (long.length === 1 ? long[0] : "");
  const own = image?.split(",") ?? [];
  return layers.map((_, at) => chains.get(own.slice(0, at + 1).join()));
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

function lineOf(steps: Steps | undefined, step: string): number | undefined {
  const [location] = steps?.source?.locations?.[step]?.locations ?? [];
  return location?.sourceIndex ? undefined : location?.ranges?.[0]?.start?.line;
}
