import { z } from "zod";
import { CommandError } from "../errors.ts";
import { severities } from "../results/finding.ts";
import { digest } from "../results/shape.ts";

/** What is read of Trivy's JSON report (schema 2). Lists that are empty are left out by Trivy. */
const severity = z.enum(severities);
const layer = z.looseObject({ DiffID: digest.optional() }).nullish();
const cvss = z.looseObject({
  V2Score: z.number().optional(),
  V3Score: z.number().optional(),
  V40Score: z.number().optional(),
});

const packageShape = z.looseObject({
  Name: z.string(),
  Version: z.string().default(""),
  /** Of a distribution's package, whose whole version is `Epoch:Version-Release`. */
  Release: z.string().default(""),
  Epoch: z.number().default(0),
  Licenses: z.array(z.string()).default([]),
});

const vulnerability = z.looseObject({
  VulnerabilityID: z.string(),
  PkgName: z.string(),
  PkgPath: z.string().optional(),
  InstalledVersion: z.string(),
  FixedVersion: z.string().optional(),
  Severity: severity.default("UNKNOWN"),
  Title: z.string().optional(),
  PrimaryURL: z.string().optional(),
  References: z.array(z.string()).default([]),
  CVSS: z.record(z.string(), cvss).default({}),
  Layer: layer,
});

const misconfiguration = z.looseObject({
  ID: z.string(),
  Title: z.string().optional(),
  Message: z.string().optional(),
  Severity: severity,
  Status: z.string(),
  References: z.array(z.string()).default([]),
  Layer: layer,
});

const secret = z.looseObject({
  RuleID: z.string(),
  Title: z.string().optional(),
  Severity: severity,
  StartLine: z.int().optional(),
  Layer: layer,
});

const result = z.looseObject({
  Target: z.string(),
  Class: z.string().optional(),
  Type: z.string().nullish(),
  Packages: z.array(packageShape).default([]),
  Vulnerabilities: z.array(vulnerability).default([]),
  Misconfigurations: z.array(misconfiguration).default([]),
  Secrets: z.array(secret).default([]),
});

const report = z.looseObject({
  SchemaVersion: z.literal(2),
  Metadata: z
    .looseObject({
      OS: z
        .looseObject({
          Family: z.string(),
          Name: z.string().default(""),
          EOSL: z.boolean().default(false),
        })
        .nullish(),
    })
    .default({}),
  Results: z.array(result).nullish(),
});

export type TrivyReport = z.infer<typeof report>;
export type TrivyResult = z.infer<typeof result>;

/** A CommandError for what no known Trivy writes. */
export function parseReport(text: string): TrivyReport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CommandError("Trivy's report is not JSON.", { cause });
  }
  const parsed = report.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CommandError(
    `Trivy's report is not of the shape that is known here: ${issue?.path.join(".")}: ${issue?.message}.`,
    { todo: "Use the pinned version of Trivy (trivy-version)." },
  );
}
