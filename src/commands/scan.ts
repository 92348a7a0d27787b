import { join, resolve } from "node:path";
import type { InputName } from "../config/inputs.ts";
import { platformsOf, scanInputs, withDefaults } from "../config/read.ts";
import { UsageError } from "../errors.ts";
import { parseReference } from "../images/reference.ts";
import { modelParts } from "../pipeline/model-parts.ts";
import { readLock } from "../pipeline/models.ts";
import type { Ports } from "../pipeline/ports.ts";
import { type Runtime, runtimePlatforms } from "../pipeline/runtime-images.ts";
import { type ScanRequest, scanImages } from "../pipeline/scan-images.ts";
import { scanLines } from "../report/scan-lines.ts";
import { writeResult } from "../results/folder.ts";
import type { ScanResult } from "../results/stages.ts";
import { writeSarif } from "../sarif/publish.ts";
import type { Command, Given } from "./command.ts";
import { loginInputs, openWith } from "./login.ts";

const scanning: readonly InputName[] = [
  ...(["fail-on", "ignore-unfixed", "scan-policy", "trivy-db", "trivy-db-max-age"] as const),
  ...(["min-packages", "trivy-version", "download-mirror"] as const),
];

export const scanCommand: Command = {
  name: "scan",
  summary: "look for known vulnerabilities in an image, each platform; weights are not read",
  example:
    "director-image scan 127.0.0.1:5000/director@sha256:… --fail-on high --scan-policy risks.json",
  arguments: "<ref>",
  inputs: [...scanning, ...loginInputs],
  flags: [
    {
      flag: "--platform <platform...>",
      description: "this platform alone; all by default",
    },
    { flag: "--results <dir>", description: "also write the result there, as promote wants it" },
    { flag: "--sarif-file <file>", description: "also write the findings there, as SARIF 2.1.0" },
    {
      flag: "--sbom <dir>",
      description: "also write there what is in each platform's image, as CycloneDX and SPDX",
    },
    { flag: "--lock <file>", description: "for --sbom: the models that lie in the image" },
  ],
  run: async (given, { ports, environment }) => {
    const [text = ""] = given.arguments;
    const reference = parseReference(text);
    const store = openWith(reference, given, ports, environment)(reference);
    const read = withDefaults((name) => given.value(name));
    const inputs = scanInputs(read);
    const wanted = given.values("platform");
    const chosen = wanted.length === 0 ? undefined : platformsOf("--platform", wanted.join("\n"));
    const all = await runtimePlatforms(reference.digest ?? reference.tag ?? "latest", store);
    const runtimes = choose(all, chosen, text);
    const scratch = await ports.files.mkdtemp(join(environment.temporary, "director-image-scan-"));
    try {
      const downloadMirror = read("download-mirror") || undefined;
      const { workspace } = environment;
      const image = store.name.startsWith("oci:") ? "image" : store.name;
      const sbom = await sbomOf(image, given, ports);
      const result = await scanImages(
        { runtimes, inputs, workspace, downloadMirror, scratch, ...(sbom && { sbom }) },
        ports,
      );
      await writeViews(result, image, given, ports);
      return {
        json: result,
        text: scanLines(result),
        exitCode: result.verdict === "passed" ? 0 : 1,
      };
    } finally {
      await ports.files.rm(scratch, { recursive: true, force: true });
    }
  },
};

async function sbomOf(
  image: string,
  given: Given,
  ports: Ports,
): Promise<ScanRequest["sbom"] | undefined> {
  const [folder, lock] = [given.value("sbom"), given.value("lock")];
  if (folder === undefined) {
    if (lock === undefined) return undefined;
    throw new UsageError("--lock says what is in the bill of materials: give --sbom, too.");
  }
  const models = lock === undefined ? [] : modelParts(await readLock(resolve(lock), ports), "bake");
  await ports.files.mkdir(resolve(folder), { recursive: true });
  return { folder: resolve(folder), image, models };
}

/** The result and the findings, in the files that were asked for. */
async function writeViews(
  result: ScanResult,
  image: string,
  given: Given,
  ports: Ports,
): Promise<void> {
  const [results, sarif] = [given.value("results"), given.value("sarif-file")];
  if (results !== undefined) await writeResult(ports.files, resolve(results), "scan", result);
  // Which Dockerfile made the image is not known: its first line has all alerts.
  const dockerfile = { path: "Dockerfile.director", text: undefined, target: undefined };
  const subject = { image, dockerfile, source: undefined };
  if (sarif !== undefined) await writeSarif(result, { subject, file: resolve(sarif) }, ports);
}

function choose(
  all: readonly Runtime[],
  wanted: readonly string[] | undefined,
  text: string,
): readonly Runtime[] {
  const has = all.map(({ platform }) => platform);
  const missing = wanted?.find((platform) => !has.includes(platform));
  if (missing !== undefined)
    throw new UsageError(
      `--platform: ${text} has no image for ${missing}, only ${has.join(", ")}.`,
    );
  if (all.length === 0) throw new UsageError(`${text} has no image for any platform.`);
  return wanted === undefined ? all : all.filter(({ platform }) => wanted.includes(platform));
}
