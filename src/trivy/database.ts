import { join } from "node:path";
import { z } from "zod";
import { CheckError, IntegrityError, isError } from "../errors.ts";
import type { Files } from "../ports/files.ts";
import { bucketNames } from "./bolt.ts";

/** A vulnerability database that can be used. */
export interface Database {
  /** Has trivy.db and metadata.json. */
  readonly folder: string;
  /** RFC 3339: when its makers last looked. */
  readonly updatedAt: string;
  /** Where it is from, for people. */
  readonly source: string;
  readonly buckets: readonly string[];
}

const metadata = z.looseObject({
  Version: z.literal(2),
  UpdatedAt: z.iso.datetime({ offset: true }),
});

export type DatabaseFiles = Pick<Files, "open" | "readFile">;

/** Reads what a folder has; an IntegrityError where a file is missing, damaged or of another schema. */
export async function readDatabase(
  folder: string,
  source: string,
  files: DatabaseFiles,
): Promise<Database> {
  const path = join(folder, "metadata.json");
  try {
    const { UpdatedAt } = metadata.parse(JSON.parse(await files.readFile(path, "utf8")));
    const buckets = await bucketNames(join(folder, "trivy.db"), files);
    return { folder, updatedAt: UpdatedAt, source, buckets };
  } catch (cause) {
    if (cause instanceof IntegrityError) throw cause;
    const why =
      isError(cause) && cause.code === "ENOENT"
        ? "is not all there"
        : "has no metadata.json of schema 2";
    throw new IntegrityError(`The vulnerability database ${folder} ${why}.`, { cause });
  }
}

/** Seconds since its makers last looked. */
export function ageOf({ updatedAt }: Pick<Database, "updatedAt">, now: number): number {
  return (now - Date.parse(updatedAt)) / 1000;
}

/** Refuses a database that is too old (CheckError): what was found since is not in it. */
export function refuseOld(database: Database, maxAge: number, now: number): void {
  const age = ageOf(database, now);
  if (age <= maxAge) return;
  throw new CheckError(
    `The vulnerability database of ${database.source} is ${hours(age)} old (${database.updatedAt}), and may be ${hours(maxAge)}.`,
    { todo: "Bring a newer one (trivy-db), or allow it: trivy-db-max-age." },
  );
}

function hours(seconds: number): string {
  return `${Math.round(seconds / 360) / 10} h`;
}
