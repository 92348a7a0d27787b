import { z } from "zod";
import { acceptResult, scanResult } from "../results/stages.ts";

/** What the statements about a final image are, by their `predicateType`. BuildKit's provenance keeps its own (SLSA 0.2 or 1). */
export const predicateTypes = {
  provenance: "https://slsa.dev/provenance/v1",
  sbom: "https://cyclonedx.org/bom",
  scan: "https://github.com/nsn/director-image-action/scan/v1",
  acceptance: "https://github.com/nsn/director-image-action/acceptance/v1",
} as const;

/** How the assembly's provenance is told from BuildKit's, which may have the same type. */
export const assemblyBuildType = "https://github.com/nsn/director-image-action/assembly/v1";

/** What a dependency is to the assembly. `event-commit`: the event's commit where another one was built (a scheduled rebuild). */
const dependencyKinds = [
  ...(["commit", "event-commit", "models-image", "runtime", "base", "weight"] as const),
  "lock",
] as const;

/** SLSA 1.0's ResourceDescriptor; `annotations.kind` says what it is to the assembly, `platform` for which image. */
const dependency = z.looseObject({
  name: z.string().optional(),
  uri: z.string().optional(),
  digest: z.record(z.string(), z.string()),
  annotations: z.looseObject({
    kind: z.enum(dependencyKinds),
    platform: z.string().optional(),
  }),
});
export type Dependency = z.infer<typeof dependency>;

/** SLSA 1.0 provenance of the assembly (slsa.dev/spec/v1.0/provenance). */
export const assemblyPredicate = z.looseObject({
  buildDefinition: z.looseObject({
    buildType: z.literal(assemblyBuildType),
    externalParameters: z.looseObject({
      /** Repository of the final image. */
      image: z.string(),
      platforms: z.array(z.string()),
      models: z.looseObject({
        lock: z.string(),
        delivery: z.string(),
        repository: z.string(),
      }),
      /** The image's age (images/age.ts): RFC 3339, and the month of a refresh. */
      created: z.string(),
      refresh: z.string().optional(),
      /** Why it was published without a scan or acceptance; absent where it was tested. */
      untested: z.looseObject({ reason: z.string(), missing: z.array(z.string()) }).optional(),
    }),
    resolvedDependencies: z.array(dependency),
  }),
  runDetails: z.looseObject({
    builder: z.looseObject({ id: z.string() }),
    metadata: z.looseObject({ invocationId: z.string().optional() }).optional(),
  }),
});
export type AssemblyPredicate = z.infer<typeof assemblyPredicate>;

/** The scan's result, without the image published before and the scanner's path; `platforms[].digest` and `diffIds` are the runtime's. */
export const scanPredicate = scanResult
  .omit({ published: true, scanner: true })
  .extend({ scanner: z.looseObject({ version: z.string() }).optional() });
export type ScanPredicate = z.infer<typeof scanPredicate>;
/** The acceptance's result, without the node's log and the single samples of memory. */
export const acceptancePredicate = acceptResult.omit({ logs: true, vram: true });
