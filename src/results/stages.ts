import { z } from "zod";
import { changes } from "./changes.ts";
import { finding } from "./finding.ts";
import { installed, publishedScan } from "./installed.ts";
import { bytes, digest, verdict } from "./shape.ts";

/** The stages' results (design: "Results"). Unknown fields are kept, so that a newer stage can be read by an older one. */
const text = z.record(z.string(), z.string());

/** How long the stage took, and when it ended (RFC 3339); written by whoever ran it. */
const lasted = { seconds: z.number().nonnegative().optional() };
const timed = { ...lasted, finished: z.string().optional() };

export const deliveries = ["hybrid", "bake", "mount"] as const;

export const prepareResult = z.looseObject({
  ...timed,
  image: z.string(),
  platforms: z.array(z.looseObject({ platform: z.string(), runner: z.string() })).min(1),
  /** What was planned otherwise than was asked for. */
  notes: z.array(z.string()).optional(),
  /** The runner with a GPU for the stage accept; empty, with the reason, where there is none. */
  gpu: z.looseObject({ runner: z.string(), reason: z.string().optional() }).optional(),
  tags: z.array(z.string()),
  /** The main tag; absent where no rule applied. */
  version: z.string().optional(),
  labels: text,
  /** Of the index; `manifestAnnotations` by platform. */
  annotations: text,
  manifestAnnotations: z.record(z.string(), text),
  push: z.boolean(),
  pushReason: z.string(),
  /** BuildKit's cache is never written for a stranger's pull request. */
  cacheMayBeWritten: z.boolean(),
  /** Where the final image goes: a repository, or `oci:DIR` when nothing is pushed. */
  target: z.string(),
  models: z.looseObject({
    /** Path of the lock; empty: no weights. */
    lock: z.string(),
    delivery: z.enum(deliveries),
    repository: z.string(),
  }),
  source: z.looseObject({
    /** Commit that is built, and its time: seconds since 1970. */
    revision: z.string().optional(),
    /** The event's commit, where another one is built. */
    event: z.string().optional(),
    commitTime: z.int().nonnegative(),
    /** The same, RFC 3339: the image's `created`. */
    created: z.string(),
    refresh: z.string().optional(),
  }),
});
export type PrepareResult = z.infer<typeof prepareResult>;

const layerState = z.enum(["present", "mounted", "uploaded", "checked", "gated"]);

export const modelsResult = z.looseObject({
  ...timed,
  /** The models image's index; absent where nothing was pushed. */
  digest: digest.optional(),
  repository: z.string(),
  /** Version of the rules of the weights gate, by which every layer has passed that could be read. */
  gateRules: z.int().optional(),
  /** `gated`: nobody read it, since the hub wants a token. `readBack`: it was there without a verdict of these rules, and was read and gated. */
  layers: z.array(
    z.looseObject({ digest, size: bytes, state: layerState, readBack: z.boolean().optional() }),
  ),
  files: z.array(
    z.looseObject({
      file: z.string(),
      type: z.string(),
      verdict: z.string(),
      rule: z.string().optional(),
    }),
  ),
  bytesUploaded: bytes,
  bytesRead: bytes,
  requests: z.int().nonnegative(),
});
export type ModelsResult = z.infer<typeof modelsResult>;

export const buildResult = z.looseObject({
  ...timed,
  platforms: z.array(
    z.looseObject({
      platform: z.string(),
      /** The platform manifest. */
      digest,
      /** Bytes of its layers as they are stored. */
      size: bytes,
      /** The image that it stands on, where that can be told. */
      base: z.looseObject({ name: z.string(), digest: digest.optional() }).optional(),
    }),
  ),
  /** Where the runtime manifests are: a repository or `oci:DIR`. */
  repository: z.string(),
  /** BuildKit's own index (with attestations), where it wrote one. */
  indexes: z.array(digest),
  cached: z.boolean(),
  /** BuildKit's own digest of what was built, before times were rewritten: equal for equal layers on the same builder. */
  native: digest.optional(),
});
export type BuildResult = z.infer<typeof buildResult>;

const risk = z.looseObject({
  id: z.string(),
  package: z.string(),
  reason: z.string(),
  expires: z.string(),
});

export const scanResult = z.looseObject({
  ...timed,
  verdict,
  reason: z.string().optional(),
  platforms: z.array(
    z.looseObject({
      platform: z.string(),
      digest,
      diffIds: z.array(digest).optional(),
      /** Such as `debian 12.5`. */
      os: z.string().optional(),
      packages: z.int().nonnegative().optional(),
      findings: z.array(finding).optional(),
      /** Why a look that found nothing would say nothing: `no-operating-system`, `few-packages`, `analyzer-error`, `end-of-life`, `no-data`. */
      blindSpots: z.array(z.looseObject({ name: z.string(), reason: z.string() })).optional(),
      licenses: z
        .array(z.looseObject({ name: z.string(), packages: z.array(z.string()) }))
        .optional(),
      installed: z.array(installed).readonly().optional(),
    }),
  ),
  /** The image that is published, looked at with the same database, where a report of what changed is wanted (`only-changed`). */
  published: publishedScan.optional(),
  scanner: z.looseObject({ version: z.string(), path: z.string() }).optional(),
  database: z.looseObject({ updatedAt: z.string(), source: z.string() }).optional(),
  /** Packages of the operating system for which the database knows a newer fixed version. */
  outdated: z
    .array(z.looseObject({ package: z.string(), installed: z.string(), fixed: z.string() }))
    .optional(),
  /** Entries of the file of accepted risks that nothing needs, and those that hold no longer. */
  risks: z.looseObject({ unused: z.array(risk), expired: z.array(risk) }).optional(),
});
export type ScanResult = z.infer<typeof scanResult>;

export const assembleResult = z.looseObject({
  ...timed,
  digest,
  mediaType: z.string(),
  /** Where the candidate is. */
  repository: z.string(),
  platforms: z.array(
    z.looseObject({ platform: z.string(), digest, runtimeDigest: digest, size: bytes }),
  ),
  /** Model layers that the target does not hold (nothing was pushed and the weights were never published). */
  absent: z.array(digest),
  /** Bytes of runtime layers that the images published before (under the plan's tags, `latest`, the default branch's) did not have. */
  newRuntimeBytes: bytes,
  bytesUploaded: bytes,
});
export type AssembleResult = z.infer<typeof assembleResult>;

const figures = z.record(
  z.string(),
  z.union([z.number(), z.string(), z.boolean(), z.array(z.string()).readonly()]),
);

export const acceptResult = z.looseObject({
  ...timed,
  digest,
  platform: z.string(),
  target: z.string(),
  verdict,
  reason: z.string().optional(),
  checks: z
    .array(
      z.looseObject({
        name: z.string(),
        verdict,
        reason: z.string().optional(),
        measured: figures.optional(),
        limit: figures.optional(),
        ...lasted,
      }),
    )
    .readonly(),
  /** The start, in seconds after it was asked for. */
  timeline: z
    .array(z.looseObject({ what: z.string(), seconds: z.number() }))
    .readonly()
    .optional(),
  /** The inputs of the acceptance, where a stage made it: its thresholds, in bytes and seconds. */
  inputs: z.record(z.string(), z.unknown()).optional(),
  /** The node's log where a check failed; `at` as below. */
  logs: z
    .array(z.looseObject({ at: z.number(), text: z.string() }))
    .readonly()
    .optional(),
  /** Bytes on the card at milliseconds since 1970. */
  vram: z
    .looseObject({
      samples: z.array(z.looseObject({ at: z.number(), bytes: z.number() })).readonly(),
      limitBytes: z.number(),
    })
    .optional(),
});
export type AcceptResult = z.infer<typeof acceptResult>;

export const promoteResult = z.looseObject({
  ...timed,
  /** The candidate. */
  digest,
  /** What the tags were left at, or brought to, since the candidate changes nothing of it (`only-changed`). */
  published: digest.optional(),
  tags: z.array(
    z.looseObject({
      tag: z.string(),
      from: digest.optional(),
      /** Where it points if it moved; otherwise it is at `from`. */
      to: digest,
      moved: z.boolean(),
      why: z.string(),
    }),
  ),
  /** Checks of the acceptance that were left out, each with its reason. */
  notRun: z.array(z.looseObject({ check: z.string(), reason: z.string() })).optional(),
  /** What was said of the candidate, signed and attached before any tag moved; `subject` is the index. */
  attestations: z
    .array(z.looseObject({ predicateType: z.string(), digest, subject: digest }))
    .optional(),
  /** Why nothing was signed. */
  unsigned: z.string().optional(),
  /** Why the candidate was published without a scan or acceptance; absent when it was tested. */
  untested: z.looseObject({ reason: z.string(), missing: z.array(z.string()) }).optional(),
  /** What the candidate changes of the image that was published before, where that was asked for (`only-changed`). */
  changes: changes.optional(),
});
export type PromoteResult = z.infer<typeof promoteResult>;

/** All that a results folder holds, by stage. */
export interface Results {
  readonly prepare?: PrepareResult | undefined;
  readonly models?: ModelsResult | undefined;
  readonly build: readonly BuildResult[];
  readonly scan: readonly ScanResult[];
  readonly assemble?: AssembleResult | undefined;
  readonly accept: readonly AcceptResult[];
  readonly promote?: PromoteResult | undefined;
}
