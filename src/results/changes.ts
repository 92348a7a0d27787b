import { z } from "zod";
import { severities } from "./finding.ts";
import { bytes, digest } from "./shape.ts";

/** What changed from a published image to a candidate (`changes.json`, and `changes` of promote's result). */
const layer = z.looseObject({
  digest,
  size: bytes,
  part: z.enum(["models", "runtime", "lock"]),
  what: z.string(),
});

const packageChange = z.looseObject({
  package: z.string(),
  ecosystem: z.string(),
  /** Versions; absent where the package is not there. */
  from: z.string().optional(),
  to: z.string().optional(),
});

const vulnerability = z.looseObject({
  id: z.string(),
  package: z.string(),
  severity: z.enum(severities),
  installed: z.string(),
  fixed: z.string().optional(),
});

const platformChanges = z.looseObject({
  platform: z.string(),
  from: digest.optional(),
  to: digest,
  unchanged: z.boolean(),
  bytes: z.looseObject({ download: bytes, unpack: bytes, total: bytes }),
  layers: z.array(layer.extend({ state: z.enum(["kept", "moved", "new"]) })).readonly(),
  gone: z.array(layer).readonly(),
  base: z.looseObject({ from: z.string(), to: z.string() }).optional(),
  config: z
    .array(
      z.looseObject({
        field: z.string(),
        from: z.string().optional(),
        to: z.string().optional(),
      }),
    )
    .readonly(),
  /** Where both images were scanned. */
  packages: z.array(packageChange).readonly().optional(),
  vulnerabilities: z
    .looseObject({
      fixed: z.array(vulnerability).readonly(),
      new: z.array(vulnerability).readonly(),
      /** How many both images have. */
      left: z.int().nonnegative(),
    })
    .optional(),
});
export type PlatformChanges = z.infer<typeof platformChanges>;

const moved = z.array(z.looseObject({ model: z.string(), from: z.string(), to: z.string() }));

const modelChanges = z.looseObject({
  revisions: moved.readonly(),
  /** From `bake` to `mount`, or back. */
  deliveries: moved.readonly(),
  files: z
    .array(
      z.looseObject({
        file: z.string(),
        change: z.enum(["added", "changed", "removed"]),
        from: bytes.optional(),
        to: bytes.optional(),
      }),
    )
    .readonly(),
});

export const changes = z.looseObject({
  /** Whether an operator gets anything by the candidate. */
  changed: z.boolean(),
  /** The published image, `TAG@DIGEST` or as it was named; absent where there was none. */
  since: z.string().optional(),
  /** Why, in words. */
  why: z.string(),
  platforms: z.array(platformChanges).readonly(),
  /** Platforms that the published image has and the candidate has not. */
  gone: z.array(z.string()).readonly(),
  /** Absent where one of them carries no lock. */
  models: modelChanges.optional(),
  /** What could not be compared, and why. */
  notes: z.array(z.string()).readonly(),
});
export type Changes = z.infer<typeof changes>;
