import { isDeepStrictEqual } from "node:util";
import { distinct } from "../results/distinct.ts";
import type { AcceptResult, BuildResult, Results, ScanResult } from "../results/stages.ts";
import { worst } from "../results/verdict.ts";

/** One object for each stage that ran, under its name (design: "Results"): what `run --json` prints. */
export function byStage(results: Results): Readonly<Record<string, object>> {
  const { prepare, models, build, scan, assemble, accept, promote } = results;
  const all: Readonly<Record<string, object | undefined>> = {
    ...{ prepare, models, build: builds(build), scan: scans(scan), assemble },
    ...{ accept: acceptances(accept), promote },
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, object] => entry[1] !== undefined),
  );
}

/** The builds of several jobs as one; `cached`: every one was. Undefined where none ran, here and below. */
function builds(results: readonly BuildResult[]): BuildResult | undefined {
  const [first] = results;
  if (first === undefined || results.length === 1) return first;
  return {
    ...first,
    platforms: results.flatMap(({ platforms }) => platforms),
    indexes: results.flatMap(({ indexes }) => indexes),
    cached: results.every(({ cached }) => cached),
    ...seconds(results),
  };
}

/** The scans of several jobs as one, with the worst verdict and its reason. */
export function scans(results: readonly ScanResult[]): ScanResult | undefined {
  const [first] = results;
  if (first === undefined || results.length === 1) return first;
  return {
    ...judged(first, results),
    platforms: results.flatMap(({ platforms }) => platforms),
    ...(results.some(({ outdated }) => outdated !== undefined)
      ? { outdated: distinct(results.flatMap(({ outdated = [] }) => outdated)) }
      : {}),
    ...published(results),
    ...risks(results),
    ...seconds(results),
  };
}

/** The published image as each job saw its platforms of it; one that was replaced between two jobs is told as the first saw it. */
function published(results: readonly ScanResult[]): Pick<ScanResult, "published"> {
  const seen = results.flatMap((one) => (one.published === undefined ? [] : [one.published]));
  const [first] = seen;
  if (first === undefined) return {};
  const same = seen.filter(({ digest }) => digest === first.digest);
  return { published: { ...first, platforms: same.flatMap(({ platforms }) => platforms) } };
}

/** Of the accepted risks, what no job needed, and what has expired in any. */
function risks(results: readonly ScanResult[]): Pick<ScanResult, "risks"> {
  const known = results.flatMap(({ risks: one }) => (one === undefined ? [] : [one]));
  const [first, ...others] = known.map(({ unused }) => unused);
  if (first === undefined) return {};
  const isUnused = (entry: object) =>
    others.every((entries) => entries.some((one) => isDeepStrictEqual(one, entry)));
  return {
    risks: {
      unused: first.filter(isUnused),
      expired: distinct(known.flatMap(({ expired }) => expired)),
    },
  };
}

/** The acceptances of several platforms as one, with the worst verdict and its reason; each check names its platform. */
export function acceptances(results: readonly AcceptResult[]): AcceptResult | undefined {
  const [first] = results;
  if (first === undefined || results.length === 1) return first;
  const joined = (texts: readonly string[]) => [...new Set(texts)].join(", ");
  return {
    ...judged(first, results),
    platform: joined(results.map(({ platform }) => platform)),
    target: joined(results.map(({ target }) => target)),
    checks: results.flatMap(({ platform, checks }) =>
      checks.map((check) => ({ platform, ...check })),
    ),
    ...seconds(results),
  };
}

/** The first with the verdict of the worst; a reason that was the first's own goes. */
function judged<T extends Pick<ScanResult, "verdict" | "reason">>(
  first: T,
  results: readonly T[],
): T {
  const { verdict, reason } = worst(results) ?? first;
  const { reason: _own, ...rest } = first;
  return { ...rest, verdict, ...(reason === undefined ? {} : { reason }) } as T;
}

/** Of all jobs together; they may have run side by side. */
function seconds(results: readonly { readonly seconds?: number | undefined }[]): {
  seconds?: number;
} {
  const known = results.map((result) => result.seconds).filter((time) => time !== undefined);
  return known.length === 0 ? {} : { seconds: known.reduce((sum, time) => sum + time, 0) };
}
