import { delimiter, join } from "node:path";
import { CommandError } from "../errors.ts";
import type { Files } from "../ports/files.ts";
import { type ProgramPorts, type Trivy, versionOf } from "./program.ts";

export interface FindRequest {
  /** The version that is wanted. */
  readonly version: string;
  readonly scratch: string;
}

export interface FindPorts extends ProgramPorts {
  readonly files: ProgramPorts["files"] & Pick<Files, "access">;
  readonly env: Readonly<Record<string, string>>;
}

/** The Trivy of the wanted version that this machine has. */
export async function findTrivy(
  { version, scratch }: FindRequest,
  ports: FindPorts,
): Promise<Trivy> {
  for (const folder of (ports.env["PATH"] ?? "").split(delimiter).filter((one) => one !== "")) {
    const path = join(folder, "trivy");
    const isThere = await ports.files.access(path).then(
      () => true,
      () => false,
    );
    if (isThere && (await versionOf(path, scratch, ports)) === version) return { path, version };
  }
  throw new CommandError(`There is no Trivy ${version} on this machine.`);
}
