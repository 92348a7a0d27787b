import { join, resolve } from "node:path";
import type { InputName } from "../config/inputs.ts";
import { platformsOf, scanInputs, withDefaults } from "../config/read.ts";
import { UsageError } from "../errors.ts";
import { parseReference } from "../images/reference.ts";
import { type Runtime, runtimePlatforms } from "../pipeline/runtime-images.ts";
import { scanImages } from "../pipeline/scan-images.ts";
import { scanLines } from "../report/scan-lines.ts";
import { writeResult } from "../results/folder.ts";
import type { Command } from "./command.ts";
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
      const result = await scanImages(
        { runtimes, inputs, workspace, downloadMirror, scratch },
        ports,
      );
      const results = given.value("results");
      if (results !== undefined) await writeResult(ports.files, resolve(results), "scan", result);
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
