import {
  type AssemblyPredicate,
  acceptancePredicate,
  assemblyBuildType,
  assemblyPredicate,
  type Dependency,
  predicateTypes,
  type ScanPredicate,
  scanPredicate,
} from "../../attest/predicates.ts";
import type { Statement } from "../../attest/statement.ts";
import { IntegrityError } from "../../errors.ts";
import { type Digest, isDigest } from "../../images/digest.ts";
import type { AcceptResult } from "../../results/stages.ts";
import { deliveries } from "../../results/stages.ts";
import type { Assembly, Kind } from "./statement.ts";

/** What a statement says, by its kind; `other`: nothing that the policy asks for, such as BuildKit's own provenance. */
export type Read =
  | { readonly kind: "provenance"; readonly says: Assembly }
  | { readonly kind: "scan"; readonly says: ScanPredicate }
  | { readonly kind: "acceptance"; readonly says: AcceptResult }
  | { readonly kind: "sbom"; readonly says: object }
  | { readonly kind: "other"; readonly says: undefined };

export function kindOf(predicateType: string | undefined): Kind | undefined {
  const [kind] = Object.entries(predicateTypes).find(([, type]) => type === predicateType) ?? [];
  return kind as Kind | undefined;
}

/** An IntegrityError where a statement is not of the shape that its type promises. */
export function readPredicate(statement: Statement): Read {
  const { predicateType, predicate } = statement;
  const kind = kindOf(predicateType);
  switch (kind) {
    case "provenance":
      return isAssembly(predicate)
        ? { kind, says: assemblyOf(shaped(assemblyPredicate, predicate, predicateType)) }
        : { kind: "other", says: undefined };
    case "scan":
      return { kind, says: shaped(scanPredicate, predicate, predicateType) };
    case "acceptance":
      return { kind, says: shaped(acceptancePredicate, predicate, predicateType) };
    case "sbom":
      return { kind, says: predicate };
    default:
      return { kind: "other", says: undefined };
  }
}

function isAssembly(predicate: Readonly<Record<string, unknown>>): boolean {
  const definition = predicate["buildDefinition"];
  return (
    typeof definition === "object" &&
    definition !== null &&
    "buildType" in definition &&
    definition.buildType === assemblyBuildType
  );
}

function assemblyOf({ buildDefinition }: AssemblyPredicate): Assembly {
  const { externalParameters, resolvedDependencies } = buildDefinition;
  const of = (kind: Dependency["annotations"]["kind"]) =>
    resolvedDependencies.filter(({ annotations }) => annotations.kind === kind);
  return {
    runtimes: of("runtime").map((one) => ({
      platform: one.annotations.platform ?? "",
      digest: digestOf(one),
    })),
    models: of("models-image").map(digestOf)[0],
    lock: of("lock").map(digestOf)[0],
    files: of("weight").map((one) => ({
      file: one.name ?? "",
      sha256: digestOf(one).slice("sha256:".length),
    })),
    delivery: deliveries.find((one) => one === externalParameters.models.delivery),
    untested: externalParameters.untested,
  };
}

function digestOf({ name, digest }: Dependency): Digest {
  const text = `sha256:${digest["sha256"] ?? ""}`;
  if (isDigest(text)) return text;
  throw new IntegrityError(
    `The statement of the assembly names ${name ?? "a part"} without its sha256.`,
  );
}

/** What of a zod shape is needed here. */
interface Shape<T> {
  safeParse(value: unknown):
    | { readonly success: true; readonly data: T }
    | {
        readonly success: false;
        readonly error: {
          readonly issues: readonly {
            readonly path: readonly PropertyKey[];
            readonly message: string;
          }[];
        };
      };
}

function shaped<T>(shape: Shape<T>, value: unknown, type: string): T {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0] ?? { path: [], message: "" };
  throw new IntegrityError(`This is no ${type}: ${path.join(".")}: ${message}.`);
}
