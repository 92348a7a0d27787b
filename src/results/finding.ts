import { z } from "zod";
import { digest } from "./shape.ts";

/** As Trivy says them, the worst last. */
export const severities = ["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"] as const;

export const finding = z.looseObject({
  kind: z.enum(["vulnerability", "misconfiguration", "secret"]),
  /** `CVE-…`, or the scanner's own rule. */
  id: z.string(),
  /** Of the operating system or a language; a path for a secret. */
  package: z.string(),
  severity: z.enum(severities),
  installed: z.string(),
  /** The first version without it; absent where there is none yet. */
  fixed: z.string().optional(),
  /** The accepted risk's reason, or that it is unfixed and not counted; absent where it counts. */
  accepted: z.string().optional(),
  title: z.string().optional(),
  references: z.array(z.string()).optional(),
  /** CVSS, the highest that is known: 0 to 10. */
  score: z.number().optional(),
  /** What brought it: the layer, its entry in the history, and the Dockerfile's line, where BuildKit's provenance has it. */
  layer: z
    .looseObject({
      diffId: digest.optional(),
      createdBy: z.string().optional(),
      line: z.int().positive().optional(),
    })
    .optional(),
});
export type Finding = z.infer<typeof finding>;
