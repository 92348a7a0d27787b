import { join } from "node:path";
import { CommandError } from "../errors.ts";
import type { Files } from "../ports/files.ts";
import { complaint, type ProgramPorts, runTrivy, type Trivy } from "./program.ts";
import { parseReport, type TrivyReport } from "./report.ts";

export interface LookRequest {
  readonly trivy: Trivy;
  /** `127.0.0.1:PORT/name@sha256:…`: Trivy reads it without TLS, since it is on loopback. */
  readonly reference: string;
  /** The folder with trivy.db and metadata.json. */
  readonly database: string;
  readonly scratch: string;
}

export interface LookPorts extends ProgramPorts {
  readonly files: ProgramPorts["files"] & Pick<Files, "readFile" | "symlink">;
}

export interface Look {
  readonly report: TrivyReport;
  /** What could not be read: Trivy says it in its debug log alone, and goes on. */
  readonly analyzerErrors: readonly string[];
}

/** Scans one platform's image for everything that the policy may ask of. A Trivy that fails is a CommandError. */
export async function lookAt(
  { trivy, reference, database, scratch }: LookRequest,
  ports: LookPorts,
): Promise<Look> {
  const { files } = ports;
  const folder = await files.mkdtemp(join(scratch, "look-"));
  try {
    const cache = join(folder, "cache");
    await files.mkdir(cache);
    await files.symlink(database, join(cache, "db"));
    const output = join(folder, "report.json");
    const args = [...scanning(cache), "--format", "json", "--output", output, reference];
    const said = await runTrivy(trivy.path, args, scratch, ports);
    if (said.code !== 0)
      throw new CommandError(`Trivy could not scan the image: ${complaint(said)}.`);
    return {
      report: parseReport(await files.readFile(output, "utf8")),
      analyzerErrors: analyzerErrors(said.stderr),
    };
  } finally {
    await files.rm(folder, { recursive: true, force: true });
  }
}

/** Nothing is asked of anybody but the loopback registry, and nothing is kept from one scan to the next. */
function scanning(cache: string): readonly string[] {
  return [
    ...["image", "--image-src", "remote", "--cache-dir", cache, "--cache-backend", "memory"],
    ...["--skip-db-update", "--skip-java-db-update", "--skip-check-update", "--offline-scan"],
    ...["--skip-version-check", "--disable-telemetry", "--skip-vex-repo-update"],
    ...["--scanners", "vuln,misconfig,secret", "--image-config-scanners", "misconfig,secret"],
    ...["--list-all-pkgs", "--no-progress", "--debug", "--timeout", "30m"],
  ];
}

/** What Trivy's debug log says where a file or the config could not be read (pkg/fanal/analyzer). Pure. */
export function analyzerErrors(log: string): readonly string[] {
  const found = log.split("\n").flatMap((line) => {
    const [, what, rest = ""] =
      /\b((?:Image config )?[Aa]nalysis error|Permission error)\b\s*(.*)$/.exec(line) ?? [];
    return what === undefined ? [] : [`${what.toLowerCase()}: ${rest.trim()}`];
  });
  return [...new Set(found)];
}
