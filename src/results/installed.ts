import { z } from "zod";
import { finding } from "./finding.ts";
import { digest } from "./shape.ts";

/** A package as the scanner names it, with its whole version. */
export const installed = z.looseObject({
  package: z.string(),
  version: z.string(),
  /** Such as `debian`, `python-pkg`. */
  ecosystem: z.string(),
});
export type Installed = z.infer<typeof installed>;

/** The image that is published, looked at with the same database as the candidate. */
export const publishedScan = z.looseObject({
  tag: z.string(),
  digest,
  platforms: z.array(
    z.looseObject({
      platform: z.string(),
      digest,
      findings: z.array(finding).readonly(),
      installed: z.array(installed).readonly(),
    }),
  ),
});
