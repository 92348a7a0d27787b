import { join } from "node:path";
import { CommandError } from "../errors.ts";
import type { Files } from "../ports/files.ts";
import { complaint, type ProgramPorts, runTrivy, type Trivy } from "./program.ts";
import { type CycloneDx, cycloneDxWith, type ModelPart, type Spdx, spdxWith } from "./sbom.ts";

export interface SbomRequest {
  readonly trivy: Trivy;
  /** Trivy's report of the runtime. */
  readonly report: object;
  /** What the report calls the image: an address of this run alone. */
  readonly scannedAs: string;
  /** What its readers call it. */
  readonly image: string;
  readonly models: readonly ModelPart[];
  readonly cycloneDxPath: string;
  readonly spdxPath: string;
  readonly scratch: string;
}

export interface SbomPorts extends ProgramPorts {
  readonly files: ProgramPorts["files"] & Pick<Files, "readFile">;
}

/** Writes what is in the image, weights included, as CycloneDX and as SPDX. */
export async function writeSbom(request: SbomRequest, ports: SbomPorts): Promise<void> {
  const { models, cycloneDxPath, spdxPath, scratch } = request;
  const { files } = ports;
  const folder = await files.mkdtemp(join(scratch, "sbom-"));
  try {
    const report = join(folder, "report.json");
    const text = JSON.stringify(request.report);
    await files.writeFile(report, text.replaceAll(request.scannedAs, request.image));
    const cycloneDx = (await convert("cyclonedx", report, folder, request, ports)) as CycloneDx;
    const spdx = (await convert("spdx-json", report, folder, request, ports)) as Spdx;
    await files.writeFile(cycloneDxPath, json(cycloneDxWith(cycloneDx, models)));
    await files.writeFile(spdxPath, json(spdxWith(spdx, models)));
  } finally {
    await files.rm(folder, { recursive: true, force: true });
  }
}

async function convert(
  format: "cyclonedx" | "spdx-json",
  report: string,
  folder: string,
  { trivy, scratch }: SbomRequest,
  ports: SbomPorts,
): Promise<unknown> {
  const output = join(folder, format);
  const args = ["convert", "--format", format, "--output", output, report];
  const said = await runTrivy(trivy.path, args, scratch, ports);
  if (said.code !== 0)
    throw new CommandError(`Trivy could not write the SBOM: ${complaint(said)}.`);
  return JSON.parse(await ports.files.readFile(output, "utf8"));
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
