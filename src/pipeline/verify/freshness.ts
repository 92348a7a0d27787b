export interface Moment {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Milliseconds. */
  readonly maxAge: number;
}

/** Clocks of two machines differ; more than this is no difference of clocks. */
const skew = 5 * 60_000;
const day = 24 * 3_600_000;

/** Why a time is not one of the last `maxAge`; undefined where it is. `what` goes before it in words. Pure. */
export function timeProblem(
  time: Date | undefined,
  { now, maxAge }: Moment,
  what: string,
): string | undefined {
  if (time === undefined) return "no transparency log says when it was signed";
  const at = time.getTime();
  if (Number.isNaN(at)) return `${what} no time that can be read`;
  const when = `${what} ${time.toISOString().slice(0, 16)}Z`;
  if (at > now + skew) return `${when}, which is yet to come`;
  return now - at > maxAge
    ? `${when}, ${inDays(now - at)} ago; at most ${inDays(maxAge)} are allowed (--max-age)`
    : undefined;
}

/** For sorting: a time that is not known is before every other. */
export function age(time: Date | undefined): number {
  return time === undefined || Number.isNaN(time.getTime()) ? 0 : time.getTime();
}

function inDays(span: number): string {
  return span < 2 * day
    ? `${Math.floor(span / 3_600_000)} hours`
    : `${Math.floor(span / day)} days`;
}
