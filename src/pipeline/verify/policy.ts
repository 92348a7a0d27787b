import { isDeepStrictEqual } from "node:util";
import type { ScanPredicate } from "../../attest/predicates.ts";
import type { Platform } from "../../images/platform.ts";
import type { AcceptResult } from "../../results/stages.ts";
import { inWords, isMissing, notRun, theAcceptance, theScanOf } from "../readiness.ts";
import { checked, futureProblem, missing, newest, type PolicyCheck } from "./check.ts";
import type { FinalImage, FinalPlatform } from "./final-image.ts";
import { type Moment, timeProblem } from "./freshness.ts";
import type { Assembly, Signed, Statements } from "./statement.ts";
import { weightsProblem } from "./weights.ts";

export interface Policy extends Moment {
  /** Whether an image passes that was published untested, and says so. */
  readonly allowUntested: boolean;
}

/** Whether an image is what its signed statements say, and they say what an operator wants to hear. Pure. */
export function judgeImage(
  image: FinalImage,
  statements: Statements,
  policy: Policy,
): readonly PolicyCheck[] {
  const assembly = newest(statements.provenance);
  return [
    provenance(image, assembly, statements, policy),
    ...image.platforms.map((platform) => runtime(platform, assembly, statements, policy)),
    ...image.platforms.map((platform) => weights(platform, assembly)),
    ...image.platforms.map((platform) => scan(platform, assembly, statements, policy)),
    ...image.platforms.map((one) => acceptance(image, one, assembly, statements, policy)),
    ...image.platforms.map((platform) => sbom(platform, statements, policy)),
  ];
}

function provenance(
  image: FinalImage,
  assembly: Signed<Assembly> | undefined,
  statements: Statements,
  policy: Policy,
): PolicyCheck {
  const name = "provenance";
  if (assembly === undefined) return missing(name, statements);
  const { subjects, says } = assembly;
  const { runtimes } = says;
  const foreign = image.index.find(({ digest }) => !subjects.includes(digest));
  const more = runtimes.find(
    ({ platform }) => !image.index.some((one) => one.platform === platform),
  );
  const problem =
    futureProblem(assembly, policy) ??
    (foreign === undefined
      ? undefined
      : `it does not speak of ${foreign.digest}, the image for ${foreign.platform}`) ??
    (more === undefined
      ? undefined
      : `it was made for ${more.platform} too, which the image lacks`);
  return checked(name, undefined, problem, assembly.signedAt);
}

/**
 * The runtime's layers are those that the newest scan looked at. Of which manifest is no matter: a later build of the same layers has another
 * one, and that the assembly's runtime became this image the provenance says, which names the platforms' manifests.
 */
function runtime(
  { platform, layers }: FinalPlatform,
  assembly: Signed<Assembly> | undefined,
  statements: Statements,
  { allowUntested }: Policy,
): PolicyCheck {
  const name = "runtime";
  if (layers === undefined)
    return checked(
      name,
      platform,
      "its layers, diff_ids and history do not count up: director-image did not assemble it",
    );
  const isNamed = assembly?.says.runtimes.some((one) => one.platform === platform) ?? false;
  if (!isNamed)
    return checked(name, platform, "no statement of the assembly names its runtime image");
  const scanned = scanOf(statements, platform)?.entry;
  if (scanned === undefined) {
    const reason = "no scan says which layers it looked at";
    return allowUntested && publishedWithout(theScanOf(platform), assembly) !== undefined
      ? { name, platform, verdict: "skipped", reason }
      : checked(name, platform, reason);
  }
  const problem = isDeepStrictEqual(scanned.diffIds, layers.diffIds)
    ? undefined
    : "its layers between weights and lock are not those that were scanned (diff_ids)";
  return checked(name, platform, problem);
}

function weights(platform: FinalPlatform, assembly: Signed<Assembly> | undefined): PolicyCheck {
  return checked(
    "weights",
    platform.platform,
    assembly === undefined
      ? "no statement of the assembly names the weights"
      : weightsProblem(platform, assembly.says),
  );
}

function scan(
  { platform }: FinalPlatform,
  assembly: Signed<Assembly> | undefined,
  statements: Statements,
  policy: Policy,
): PolicyCheck {
  const found = scanOf(statements, platform);
  if (found === undefined) return untested("scan", platform, assembly, statements, policy);
  const { verdict, reason, database, finished } = found.scan.says;
  if (verdict === "skipped" || verdict === "inconclusive")
    return untested("scan", platform, assembly, statements, policy, `${verdict}: ${reason}`);
  const looked = database === undefined ? undefined : new Date(database.updatedAt);
  const problem =
    (verdict === "passed"
      ? undefined
      : `it ${verdict}${reason === undefined ? "" : `: ${reason}`}`) ??
    timeProblem(found.scan.signedAt, policy, "signed") ??
    (typeof finished === "string"
      ? timeProblem(new Date(finished), policy, "scanned")
      : undefined) ??
    (looked === undefined
      ? "it does not say how old its vulnerability database was"
      : timeProblem(looked, policy, "its vulnerability database is of"));
  return checked("scan", platform, problem, found.scan.signedAt);
}

function acceptance(
  image: FinalImage,
  { platform }: FinalPlatform,
  assembly: Signed<Assembly> | undefined,
  statements: Statements,
  policy: Policy,
): PolicyCheck {
  const name = "acceptance";
  const own = statements.acceptance.filter(({ says }) => says.digest === image.digest);
  const foreign = statements.acceptance.find(({ says }) => says.digest !== image.digest);
  const found = newest(own.filter(({ says }) => says.platform === platform));
  if (found === undefined) {
    if (own.length === 0 && foreign !== undefined)
      return checked(name, platform, `${foreign.says.digest} was accepted, not this image`);
    return untested(name, platform, assembly, statements, policy, elsewhere(own));
  }
  const { verdict, reason } = found.says;
  if (verdict !== "passed" && verdict !== "failed")
    return untested(name, platform, assembly, statements, policy, `${verdict}: ${reason}`);
  const failed = found.says.checks.filter((check) => check.verdict === "failed");
  const problem =
    verdict === "failed"
      ? `it failed: ${reason ?? failed.map(({ name: check, reason: why }) => `${check}: ${why}`).join("; ")}`
      : futureProblem(found, policy);
  const left = notRun([found.says]);
  const check = checked(name, platform, problem, found.signedAt);
  return problem === undefined && left.length > 0
    ? { ...check, reason: `without ${inWords(left)}` }
    : check;
}

function sbom(
  { platform, digest }: FinalPlatform,
  statements: Statements,
  policy: Policy,
): PolicyCheck {
  const found = newest(statements.sbom.filter(({ subjects }) => subjects.includes(digest)));
  return found === undefined
    ? { ...missing("sbom", statements), platform }
    : checked("sbom", platform, futureProblem(found, policy), found.signedAt);
}

/** What was published without: said by the assembly's statement, or by an acceptance that did not come to an end. */
function untested(
  name: "scan" | "acceptance",
  platform: Platform,
  assembly: Signed<Assembly> | undefined,
  statements: Statements,
  { allowUntested }: Policy,
  seen?: string,
): PolicyCheck {
  const why = publishedWithout(name === "scan" ? theScanOf(platform) : theAcceptance, assembly);
  const said = [
    ...(seen === undefined ? [] : [seen]),
    ...(why === undefined ? [] : [`published untested: ${why}`]),
  ];
  if (said.length === 0) return { ...missing(name, statements), platform };
  const reason = said.join("; ");
  return allowUntested
    ? { name, platform, verdict: "skipped", reason }
    : { name, platform, verdict: "failed", reason: `${reason} (--allow-untested lets it pass)` };
}

/** Why the image was published without that very thing; undefined where the assembly does not say that it was. */
function publishedWithout(
  what: string,
  assembly: Signed<Assembly> | undefined,
): string | undefined {
  const untested = assembly?.says.untested;
  return untested !== undefined && isMissing(what, untested.missing) ? untested.reason : undefined;
}

function elsewhere(accepts: readonly Signed<AcceptResult>[]): string | undefined {
  const skipped = accepts.find(({ says }) => says.platform === "");
  if (skipped !== undefined) return `${skipped.says.verdict}: ${skipped.says.reason}`;
  const where = accepts.map(({ says }) => says.platform).join(", ");
  return where === "" ? undefined : `only ${where} was started and checked`;
}

function scanOf(
  { scan: scans }: Statements,
  platform: Platform,
):
  | { readonly scan: Signed<ScanPredicate>; readonly entry: ScanPredicate["platforms"][number] }
  | undefined {
  const of = (one: Signed<ScanPredicate>) =>
    one.says.platforms.find((scanned) => scanned.platform === platform);
  const found = newest(scans.filter((one) => of(one) !== undefined));
  const entry = found === undefined ? undefined : of(found);
  return found === undefined || entry === undefined ? undefined : { scan: found, entry };
}
