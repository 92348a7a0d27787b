import type { Platform } from "../../images/platform.ts";
import { age, type Moment, timeProblem } from "./freshness.ts";
import type { Kind, Signed, Statements } from "./statement.ts";

/** One line of the answer. `skipped`: not there, and allowed to be missing. */
export interface PolicyCheck {
  readonly name: Kind | "runtime" | "weights" | "bytes";
  readonly platform?: Platform;
  readonly verdict: "passed" | "failed" | "skipped";
  /** Why not; of a check that passed: what is worth knowing. */
  readonly reason?: string;
  /** RFC 3339: when the statement was signed. */
  readonly signedAt?: string;
}

/** The last that was signed; one without a time counts as the oldest. */
export function newest<T>(statements: readonly Signed<T>[]): Signed<T> | undefined {
  return statements.toSorted((a, b) => age(a.signedAt) - age(b.signedAt)).at(-1);
}

/** A kind that nobody who counts has signed; what was left aside of it says why. */
export function missing(name: Kind, { leftAside }: Statements): PolicyCheck {
  const aside = leftAside.filter(({ kind }) => kind === name).map(({ reason }) => reason);
  const why = aside.length === 0 ? "" : `; left aside: ${[...new Set(aside)].join("; ")}`;
  return { name, verdict: "failed", reason: `none that counts is attached${why}` };
}

export function checked(
  name: PolicyCheck["name"],
  platform: Platform | undefined,
  problem: string | undefined,
  signedAt?: Date,
): PolicyCheck {
  return {
    name,
    ...(platform === undefined ? {} : { platform }),
    ...(problem === undefined ? { verdict: "passed" } : { verdict: "failed", reason: problem }),
    ...(signedAt === undefined ? {} : { signedAt: signedAt.toISOString() }),
  };
}

/** Of the rest nothing grows old, since it speaks of the very digest. But nobody signs tomorrow. */
export function futureProblem({ signedAt }: Signed<unknown>, { now }: Moment): string | undefined {
  return timeProblem(signedAt, { now, maxAge: Number.POSITIVE_INFINITY }, "signed");
}
