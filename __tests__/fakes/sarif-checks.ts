import { createRequire } from "node:module";
import Ajv from "ajv";

const require = createRequire(import.meta.url);
const ajv = new Ajv({ schemaId: "auto", allErrors: true });
ajv.addMetaSchema(require("ajv/lib/refs/json-schema-draft-04.json"));
const matches = ajv.compile(
  require("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json") as object,
);

/** The parts that code scanning reads. */
export interface Sarif {
  readonly runs: readonly {
    readonly tool: {
      readonly driver: { readonly name: string; readonly rules?: readonly CheckedRule[] };
      readonly extensions?: readonly unknown[];
    };
    readonly automationDetails?: { readonly id?: string };
    readonly invocations?: readonly {
      readonly executionSuccessful: boolean;
      readonly toolExecutionNotifications?: readonly {
        readonly level?: string;
        readonly message: { readonly text: string };
      }[];
    }[];
    readonly results?: readonly CheckedResult[];
    readonly properties?: Readonly<Record<string, unknown>>;
    readonly versionControlProvenance?: readonly unknown[];
  }[];
}

interface CheckedRule {
  readonly id: string;
  readonly shortDescription?: { readonly text: string };
  readonly fullDescription?: { readonly text: string };
  readonly help?: { readonly text: string; readonly markdown?: string };
  readonly helpUri?: string;
  readonly defaultConfiguration?: { readonly level?: string };
  readonly properties?: Readonly<Record<string, unknown>> & { readonly tags?: readonly string[] };
}

interface CheckedResult {
  readonly ruleId?: string;
  readonly ruleIndex?: number;
  readonly level?: string;
  readonly message: { readonly text?: string };
  readonly suppressions?: readonly unknown[];
  readonly locations?: readonly {
    readonly physicalLocation?: {
      readonly artifactLocation?: { readonly uri?: string };
      readonly region?: { readonly startLine?: number; readonly endColumn?: number };
    };
  }[];
  readonly partialFingerprints?: Readonly<Record<string, string>>;
}

/** What the SARIF 2.1.0 schema says against a document. */
export function schemaErrors(document: unknown): readonly string[] {
  if (matches(document) === true) return [];
  return (matches.errors ?? []).map(({ dataPath, message }) => `${dataPath} ${message}`);
}

/** What code scanning says against one: GitHub's documentation, "SARIF support for code scanning" and "SARIF results exceed limits". */
export function githubErrors({ runs }: Sarif): readonly string[] {
  const errors: string[] = [];
  const unless = (fine: boolean, error: string) => void (fine || errors.push(error));
  unless(runs.length > 0, "rejecting SARIF, as there are no runs");
  unless(runs.length <= 20, "rejecting SARIF, as there are more runs than allowed (20)");
  const categories = runs.map(
    ({ tool, automationDetails }) => `${tool.driver.name} ${automationDetails?.id ?? ""}`,
  );
  unless(
    new Set(categories).size === runs.length,
    "rejecting SARIF, as there are several runs with the same category",
  );
  for (const run of runs) {
    const { rules = [] } = run.tool.driver;
    const { results = [] } = run;
    unless(rules.length <= 25_000, "rejecting SARIF, as there are more rules than allowed (25000)");
    unless(results.length <= 25_000, "rejecting SARIF, as there are more results than allowed");
    unless((run.tool.extensions?.length ?? 0) <= 100, "rejecting SARIF: extension limits");
    unless(
      /^[^/].*\/$/.test(run.automationDetails?.id ?? ""),
      "the category does not end in /, so that its last part is a run's name",
    );
    unless(
      run.invocations?.every(({ executionSuccessful }) => executionSuccessful) ?? true,
      "unsuccessful execution",
    );
    for (const rule of rules) errors.push(...ruleErrors(rule));
    for (const result of results) errors.push(...resultErrors(result, rules));
    const alerts = results.map(alertKey);
    unless(new Set(alerts).size === alerts.length, "two results of a run are one alert");
  }
  return errors;
}

function ruleErrors({ id, properties = {}, ...rule }: CheckedRule): readonly string[] {
  const severity = properties["security-severity"];
  const isScore =
    severity === undefined ||
    (typeof severity === "string" && /^\d+\.\d$/.test(severity) && Number(severity) <= 10);
  const { tags = [] } = properties;
  const wrong: readonly (readonly [boolean, string])[] = [
    [isScore, "could not convert rules: invalid security severity value, is not a number"],
    [tags.length <= 10, "more tags than are kept (10)"],
    [tags.includes("security"), "a security-severity counts for the tag security only"],
    [(rule.shortDescription?.text.length ?? 9999) <= 1024, "shortDescription"],
    [(rule.fullDescription?.text.length ?? 9999) <= 1024, "fullDescription"],
    [(rule.help?.text ?? "") !== "", "help.text is required"],
    [
      ["error", "warning", "recommendation"].includes(String(properties["problem.severity"])),
      "problem.severity",
    ],
  ];
  return wrong.filter(([fine]) => !fine).map(([, error]) => `${id}: ${error}`);
}

function resultErrors(
  {
    ruleId,
    ruleIndex,
    message,
    locations = [],
    partialFingerprints = {},
    suppressions,
  }: CheckedResult,
  rules: readonly CheckedRule[],
): readonly string[] {
  const [place] = locations.map(({ physicalLocation }) => physicalLocation);
  const uri = place?.artifactLocation?.uri;
  const wrong: readonly (readonly [boolean, string])[] = [
    [ruleIndex !== undefined && rules[ruleIndex]?.id === ruleId, "ruleIndex and ruleId differ"],
    [(message.text ?? "") !== "", "message.text is required"],
    [locations.length <= 1000, "rejecting SARIF: location limits"],
    [uri !== undefined, "locationFromSarifResult: expected artifact location"],
    [
      !/^(\/|[a-z]+:|.*\.\.(\/|$))/i.test(uri ?? ""),
      "an invalid URI was provided as a SARIF location",
    ],
    [(place?.region?.startLine ?? 0) >= 1, "region.startLine is required"],
    [
      /^[0-9a-f]+:\d+$/.test(partialFingerprints["primaryLocationLineHash"] ?? ""),
      "no fingerprint",
    ],
    [suppressions === undefined, "suppressions are not read: an alert would be open"],
  ];
  return wrong.filter(([fine]) => !fine).map(([, error]) => `${ruleId}: ${error}`);
}

/** What makes two results of several uploads one alert: rule, file and fingerprint, not the line. */
export function alertKey({ ruleId, locations, partialFingerprints }: CheckedResult): string {
  const uri = locations?.[0]?.physicalLocation?.artifactLocation?.uri;
  return [ruleId, uri, partialFingerprints?.["primaryLocationLineHash"]].join(" ");
}
