import { join } from "node:path";
import { CheckError, isError, RemoteError, UsageError } from "../errors.ts";
import type { Cache } from "../ports/cache.ts";
import type { Clock } from "../ports/clock.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { ageOf, type Database, readDatabase, refuseOld } from "./database.ts";
import { complaint, type ProgramPorts, runTrivy, type Trivy } from "./program.ts";

/** An OCI repository with a database, which is given to Trivy on loopback while it downloads. */
interface DatabaseSource {
  readonly name: string;
  serve(): Promise<ServedSource>;
}

interface ServedSource {
  /** `127.0.0.1:PORT/name:tag`. */
  readonly reference: string;
  /** What went wrong between here and the source. */
  failure(): unknown;
  close(): Promise<void>;
}

export interface DatabaseRequest {
  readonly sources: readonly DatabaseSource[];
  /** Seconds. */
  readonly maxAge: number;
  readonly trivy: Trivy;
  readonly scratch: string;
}

export interface DatabasePorts extends ProgramPorts {
  readonly files: ProgramPorts["files"] & Pick<Files, "open" | "readFile" | "readdir" | "rename">;
  readonly cache: Cache;
  readonly clock: Pick<Clock, "now">;
  readonly log: Pick<Log, "info" | "warning">;
}

const name = "trivy-db";

/** How folders of databases are named: one that is not whole yet is another run's, or was left by one that was killed. */
const [arriving, done] = ["coming-", "database-"];

/** Younger ones are not asked for again. Seconds; the makers renew it four times a day. */
const fresh = 24 * 3600;

/** A folder of the user's: it, or the folder `db` in it, has the two files. A UsageError where it is not there. */
export async function folderDatabase(
  folder: string,
  maxAge: number,
  {
    files,
    clock,
  }: {
    readonly files: Pick<Files, "open" | "readFile" | "stat">;
    readonly clock: Pick<Clock, "now">;
  },
): Promise<Database> {
  const there = async (path: string) =>
    (await files.stat(path).catch(() => undefined)) !== undefined;
  if (!(await there(folder)))
    throw new UsageError(`trivy-db: there is no folder ${folder}.`, {
      todo: "Give a folder with trivy.db and metadata.json, or an OCI reference such as ghcr.io/aquasecurity/trivy-db:2.",
    });
  const inner = join(folder, "db");
  const database = await readDatabase((await there(inner)) ? inner : folder, folder, files);
  refuseOld(database, maxAge, clock.now());
  return database;
}

/** The database that was kept from an earlier run while it is fresh, else of the first source that gives one that is young and whole. */
export async function downloadedDatabase(
  request: DatabaseRequest,
  ports: DatabasePorts,
): Promise<Database> {
  const { sources, maxAge } = request;
  const { cache, clock, log, signal } = ports;
  const key = new Date(clock.now()).toISOString().slice(0, 10);
  const root = await cache.restore(name, key);
  const kept = await newestKept(root, sources, ports);
  if (kept !== undefined && ageOf(kept, clock.now()) <= Math.min(fresh, maxAge)) return kept;
  const failures: unknown[] = [];
  for (const source of sources) {
    try {
      const database = await download(source, root, request, ports);
      await cache.save(name, key);
      return database;
    } catch (error) {
      signal?.throwIfAborted();
      log.info(`The vulnerability database of ${source.name} cannot be used: ${messageOf(error)}`);
      failures.push(error);
    }
  }
  if (kept !== undefined && ageOf(kept, clock.now()) <= maxAge) {
    log.warning(`No newer vulnerability database could be had: that of ${kept.updatedAt} is used.`);
    return kept;
  }
  throw failures.find((error) => error instanceof CheckError) ?? unreachable(sources, failures);
}

function unreachable(
  sources: readonly DatabaseSource[],
  failures: readonly unknown[],
): RemoteError {
  const whys = sources.map((source, at) => `${source.name}: ${messageOf(failures[at])}`);
  return new RemoteError(`No vulnerability database could be had. ${whys.join(" ")}`, {
    cause: failures[0],
    todo: "Nothing was scanned. Give a folder or a mirror that this machine reaches: trivy-db.",
  });
}

function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error);
}

/** Folders of databases are named by chance; a damaged one, or one from elsewhere, goes. */
async function newestKept(
  root: string,
  sources: readonly DatabaseSource[],
  { files, log }: DatabasePorts,
): Promise<Database | undefined> {
  const found: Database[] = [];
  for (const entry of (await files.readdir(root)).filter((one) => one.startsWith(done))) {
    const folder = join(root, entry);
    try {
      const source = (await files.readFile(join(folder, "source"), "utf8")).trim();
      const database = await readDatabase(join(folder, "db"), source, files);
      if (sources.some((one) => one.name === source)) found.push(database);
    } catch (error) {
      log.info(`What is kept in ${folder} is replaced: ${messageOf(error)}`);
      await files.rm(folder, { recursive: true, force: true });
    }
  }
  return found.sort((a, b) => Date.parse(b.updatedAt) - Date.parse(a.updatedAt))[0];
}

async function download(
  source: DatabaseSource,
  root: string,
  { trivy, scratch, maxAge }: DatabaseRequest,
  ports: DatabasePorts,
): Promise<Database> {
  const { files, clock, log } = ports;
  const before = (await files.readdir(root)).filter((one) => one.startsWith(done));
  const coming = await files.mkdtemp(join(root, arriving));
  try {
    log.info(`Fetching the vulnerability database of ${source.name}`);
    await fetchInto(coming, source, trivy, scratch, ports);
    const database = await readDatabase(join(coming, "db"), source.name, files);
    refuseOld(database, maxAge, clock.now());
    await files.writeFile(join(coming, "source"), `${source.name}\n`);
    for (const old of before) await files.rm(join(root, old), { recursive: true, force: true });
    const folder = join(root, `${done}${coming.slice(join(root, arriving).length)}`);
    await files.rename(coming, folder);
    return { ...database, folder: join(folder, "db") };
  } catch (error) {
    await files.rm(coming, { recursive: true, force: true });
    throw error;
  }
}

async function fetchInto(
  folder: string,
  source: DatabaseSource,
  { path }: Trivy,
  scratch: string,
  ports: DatabasePorts,
): Promise<void> {
  const served = await source.serve();
  try {
    const quiet = ["--skip-version-check", "--disable-telemetry", "--no-progress"];
    const from = ["--db-repository", served.reference, "--cache-dir", folder];
    const args = ["image", "--download-db-only", ...from, ...quiet];
    const said = await runTrivy(path, args, scratch, ports);
    if (said.code === 0) return;
    const cause = served.failure();
    throw isError(cause)
      ? cause
      : new RemoteError(`Trivy could not download it: ${complaint(said)}.`);
  } finally {
    await served.close();
  }
}
