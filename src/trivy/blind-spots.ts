import { holdsDataFor } from "./database-data.ts";
import type { Seen } from "./seen.ts";

/** Why a scan that found nothing would say nothing. */
export interface BlindSpot {
  readonly name:
    | "no-operating-system"
    | "few-packages"
    | "analyzer-error"
    | "end-of-life"
    | "no-data";
  readonly reason: string;
}

export interface Sight {
  readonly seen: Seen;
  /** What Trivy could not read, and kept to itself. */
  readonly analyzerErrors: readonly string[];
  /** Names of the database's buckets. */
  readonly buckets: readonly string[];
}

/**
 * What keeps a scan from being one (design: "Never green by accident"). An image with neither an operating system nor packages of one is
 * taken for what it is where no packages are asked for. Pure.
 */
export function blindSpots(
  { seen: { os, osPackages, strangePackages }, analyzerErrors, buckets }: Sight,
  minPackages: number,
): readonly BlindSpot[] {
  const spots: (BlindSpot | undefined)[] = [
    os === undefined && (minPackages > 0 || strangePackages)
      ? {
          name: "no-operating-system",
          reason: "Trivy does not know its distribution, so that its packages were not looked up",
        }
      : undefined,
    osPackages < minPackages
      ? {
          name: "few-packages",
          reason: `${osPackages} packages of the operating system were found, at least ${minPackages} were expected (min-packages)`,
        }
      : undefined,
    ...analyzerErrors.map((reason): BlindSpot => ({ name: "analyzer-error", reason })),
    os?.endOfLife
      ? { name: "end-of-life", reason: `${os.family} ${os.name} gets no fixes any more` }
      : undefined,
    os !== undefined && !holdsDataFor(os, buckets)
      ? { name: "no-data", reason: `the database has nothing on ${os.family} ${os.name}` }
      : undefined,
  ];
  return spots.filter((spot) => spot !== undefined);
}
