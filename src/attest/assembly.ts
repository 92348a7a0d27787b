import type { Digest } from "../images/digest.ts";
import { parsePlace, parseReference } from "../images/reference.ts";
import type { PrepareResult, PromoteResult } from "../results/stages.ts";
import { type AssemblyPredicate, assemblyBuildType, type Dependency } from "./predicates.ts";

/** What went into a final image. */
export interface Assembly {
  readonly plan: PrepareResult;
  readonly platforms: readonly AssembledPlatform[];
  /** Where the models image is, and its index; undefined where no weights were pushed. */
  readonly models: { readonly repository: string; readonly digest: Digest } | undefined;
  readonly weights: readonly Weight[];
  /** The lock's file as it lies in the image; undefined without weights. */
  readonly lock: { readonly path: string; readonly digest: Digest } | undefined;
  readonly untested: PromoteResult["untested"];
  /** Who assembled it, and in which run. */
  readonly builder: string;
  readonly invocation: string | undefined;
}

interface AssembledPlatform {
  readonly platform: string;
  readonly runtime: { readonly repository: string; readonly digest: Digest };
  /** The Dockerfile's base, by its full name. */
  readonly base: { readonly name: string; readonly digest?: Digest | undefined } | undefined;
}

export interface Weight {
  /** `<model>/<path>` */
  readonly name: string;
  /** Undefined for a folder of somebody's machine. */
  readonly origin: string | undefined;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  /** Whether it lies in the image or is mounted into it. */
  readonly delivery: "bake" | "mount";
}

/** The provenance of the assembly (SLSA 1.0): everything that the final image was made of, by digest. Pure. */
export function assemblyPredicate(assembly: Assembly): AssemblyPredicate {
  const { plan, platforms, untested, builder, invocation } = assembly;
  const { created, refresh } = plan.source;
  return {
    buildDefinition: {
      buildType: assemblyBuildType,
      externalParameters: {
        image: plan.image,
        platforms: platforms.map(({ platform }) => platform),
        models: plan.models,
        created,
        ...(refresh === undefined ? {} : { refresh }),
        ...(untested === undefined ? {} : { untested }),
      },
      resolvedDependencies: [
        ...commits(plan),
        ...platforms.flatMap(ofPlatform),
        ...weightsOf(assembly),
      ],
    },
    runDetails: {
      builder: { id: builder },
      ...(invocation === undefined ? {} : { metadata: { invocationId: invocation } }),
    },
  };
}

/** The commit that was built, and the event's where that is another one: who looks for the run finds it there. */
function commits({ source, labels }: PrepareResult): readonly Dependency[] {
  const { revision, event } = source;
  const page = labels["org.opencontainers.image.source"];
  const commit = (kind: "commit" | "event-commit", gitCommit: string): Dependency => ({
    ...(page === undefined ? {} : { uri: `git+${page}` }),
    digest: { gitCommit },
    annotations: { kind },
  });
  return [
    ...(revision === undefined ? [] : [commit("commit", revision)]),
    ...(event === undefined || event === revision ? [] : [commit("event-commit", event)]),
  ];
}

function ofPlatform({ platform, runtime, base }: AssembledPlatform): readonly Dependency[] {
  return [
    {
      ...imageUri(runtime.repository, runtime.digest),
      digest: sha256(runtime.digest),
      annotations: { kind: "runtime", platform },
    },
    ...(base?.digest === undefined
      ? []
      : [
          {
            ...imageUri(base.name, base.digest),
            name: base.name,
            digest: sha256(base.digest),
            annotations: { kind: "base" as const, platform },
          },
        ]),
  ];
}

function weightsOf({ models, weights, lock }: Assembly): readonly Dependency[] {
  return [
    ...(models === undefined
      ? []
      : [
          {
            ...imageUri(models.repository, models.digest),
            digest: sha256(models.digest),
            annotations: { kind: "models-image" as const },
          },
        ]),
    ...(lock === undefined
      ? []
      : [{ name: lock.path, digest: sha256(lock.digest), annotations: { kind: "lock" as const } }]),
    ...weights.map(({ name, origin, sha256: value, delivery }) => ({
      name,
      ...(origin === undefined ? {} : { uri: origin }),
      digest: { sha256: value },
      annotations: { kind: "weight" as const, delivery },
    })),
  ];
}

function sha256(digest: Digest): Dependency["digest"] {
  return { sha256: digest.slice("sha256:".length) };
}

/** A package URL (purl-spec, type `oci`); none for a layout, whose folder means nothing elsewhere. */
function imageUri(image: string, digest: Digest): { readonly uri?: string } {
  const reference = image.startsWith("oci:") ? parsePlace(image) : parseReference(image);
  if (reference.kind === "layout") return {};
  const { registry, repository, tag } = reference;
  const name = repository.split("/").at(-1) ?? "";
  const query = new URLSearchParams({
    repository_url: `${registry}/${repository}`,
    ...(tag === undefined ? {} : { tag }),
  });
  return { uri: `pkg:oci/${name}@${encodeURIComponent(digest)}?${query}` };
}
