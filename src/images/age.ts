import type { Digest } from "./digest.ts";
import { names } from "./names.ts";

/** By what older and newer images are told: the commit's time, then the monthly refresh (design: "The final image"). */
export interface Age {
  /** RFC 3339. */
  readonly commitTime: string;
  /** `YYYY-MM`, where a monthly refresh was made. */
  readonly refresh?: string;
}

export interface Aged {
  readonly digest: Digest;
  /** Digests of the platform manifests, in order: what makes two images equal. */
  readonly platforms: readonly Digest[];
  /** Undefined for an image that does not say, such as one made by other tools. */
  readonly age: Age | undefined;
}

export interface Promotion {
  readonly move: boolean;
  readonly why: string;
}

export function ageOf(annotations: Readonly<Record<string, string>> | undefined): Age | undefined {
  const commitTime = annotations?.[names.created];
  if (commitTime === undefined || Number.isNaN(Date.parse(commitTime))) return undefined;
  const refresh = annotations?.[names.refresh];
  return { commitTime, ...(refresh === undefined ? {} : { refresh }) };
}

/** Whether a tag goes from the image it points at to another one: the candidate, or one that is published. */
export function promotion(current: Aged | undefined, candidate: Aged, force: boolean): Promotion {
  if (current === undefined) return { move: true, why: "first" };
  if (current.digest === candidate.digest) return { move: false, why: "already there" };
  if (same(current.platforms, candidate.platforms))
    return { move: false, why: "unchanged: the same platform manifests" };
  if (current.age === undefined)
    return { move: true, why: "the image before does not say how old it is" };
  if (candidate.age === undefined)
    return {
      move: false,
      why: `held by the image of ${ageName(current.age)}: the other one does not say how old it is`,
    };
  if (isOlder(candidate.age, current.age)) {
    return force
      ? { move: true, why: `moved back by force from ${ageName(current.age)}` }
      : { move: false, why: `held by the newer image of ${ageName(current.age)}` };
  }
  return {
    move: true,
    why: isOlder(current.age, candidate.age) ? "newer" : "same commit and refresh, rebuilt",
  };
}

export function isOlder(one: Age, other: Age): boolean {
  const [a, b] = [Date.parse(one.commitTime), Date.parse(other.commitTime)];
  return a === b ? (one.refresh ?? "") < (other.refresh ?? "") : a < b;
}

function ageName({ commitTime, refresh }: Age): string {
  return refresh === undefined ? commitTime : `${commitTime}, refresh ${refresh}`;
}

function same(one: readonly Digest[], other: readonly Digest[]): boolean {
  return one.length === other.length && one.every((digest, at) => digest === other[at]);
}
