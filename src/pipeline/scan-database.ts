import { resolve } from "node:path";
import type { ScanInputs } from "../config/config.ts";
import { UsageError } from "../errors.ts";
import { parseReference, type Reference } from "../images/reference.ts";
import { noting } from "../stores/noting.ts";
import { serveStore } from "../stores/serve.ts";
import type { Database } from "../trivy/database.ts";
import type { Trivy } from "../trivy/program.ts";
import { downloadedDatabase, folderDatabase } from "../trivy/use-database.ts";
import type { Ports } from "./ports.ts";

interface DatabaseInputs {
  readonly inputs: Pick<ScanInputs, "database" | "databaseMaxAge">;
  /** Where relative paths start from. */
  readonly workspace: string;
  readonly scratch: string;
}

/** Where Trivy's makers keep the database, and a mirror that is asked first since it has no rate limit. */
const mirrors = ["mirror.gcr.io/aquasec/trivy-db:2", "ghcr.io/aquasecurity/trivy-db:2"] as const;

/** The vulnerability database that the inputs name: a folder, a repository, or else that of Trivy's makers. */
export async function databaseFor(
  { inputs, workspace, scratch }: DatabaseInputs,
  trivy: Trivy,
  ports: Ports,
): Promise<Database> {
  const { database: place, databaseMaxAge: maxAge } = inputs;
  if (place !== undefined) {
    const folder = resolve(workspace, place);
    const isFolder = await ports.files.stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isFolder || /^[./]/.test(place)) return folderDatabase(folder, maxAge, ports);
  }
  const sources = (place === undefined ? mirrors : [place]).map((text) => {
    const reference = databaseReference(text);
    return { name: text, serve: () => serveDatabase(reference, ports) };
  });
  return downloadedDatabase({ sources, maxAge, trivy, scratch }, ports);
}

function databaseReference(text: string): Reference {
  try {
    return parseReference(text);
  } catch (cause) {
    throw new UsageError(`trivy-db: "${text}" is neither a folder nor an OCI reference.`, {
      cause,
    });
  }
}

/** A repository as Trivy may read it on loopback: proxies, log-ins, certificates and rate limits are our own registry client's matter. */
async function serveDatabase(reference: Reference, { open, log }: Ports) {
  const { store, failure } = noting(open(reference));
  const served = await serveStore(store, { log });
  const pointer =
    reference.digest === undefined ? `:${reference.tag ?? "2"}` : `@${reference.digest}`;
  return { reference: `${served.host}/trivy-db${pointer}`, failure, close: served.close };
}
