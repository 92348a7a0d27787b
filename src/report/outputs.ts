import type { PrepareResult, Results, ScanResult } from "../results/stages.ts";
import { tagsAt } from "../results/tags-at.ts";
import { acceptances, scans } from "./stages.ts";

/** What a step leaves for later ones; only what is known (action.yml, outputs). `sarifFile` is where a scan's findings are written. */
export function outputsOf(
  { prepare, models, build, scan, assemble, accept, promote }: Results,
  sarifFile: string,
): Readonly<Record<string, string>> {
  // Where nothing changed, the image that is published is another one than the candidate.
  const digest = promote?.published ?? assemble?.digest;
  const known: Readonly<Record<string, string | undefined>> = {
    digest,
    ref: assemble && `${assemble.repository}@${digest}`,
    version: prepare?.version,
    tags: (promote === undefined ? prepare?.tags : tagsAt(promote))?.join("\n"),
    platforms: prepare && JSON.stringify(prepare.platforms.map(({ platform }) => platform)),
    ...runnersOf(prepare),
    image: prepare?.image,
    push: prepare && String(prepare.push),
    revision: prepare?.source.revision,
    "models-digest": models?.digest,
    "runtime-digests":
      build.length === 0
        ? undefined
        : JSON.stringify(
            Object.fromEntries(
              build.flatMap(({ platforms }) =>
                platforms.map(({ platform, digest }) => [platform, digest]),
              ),
            ),
          ),
    "sarif-file": scan.length === 0 ? undefined : sarifFile,
    scan: json(withoutPackages(scans(scan))),
    acceptance: json(acceptances(accept)),
    "bytes-uploaded": JSON.stringify({
      models: models?.bytesUploaded ?? 0,
      runtime: (prepare?.push && assemble?.newRuntimeBytes) || 0,
      manifests: (prepare?.push && assemble?.bytesUploaded) || 0,
    }),
  };
  return Object.fromEntries(
    Object.entries(known).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** The lists of packages stay in scan.json: an output has its limit (1 MB). */
function withoutPackages(scan: ScanResult | undefined): object | undefined {
  if (scan === undefined) return undefined;
  const { published: _published, platforms, ...rest } = scan;
  return { ...rest, platforms: platforms.map(({ installed: _installed, ...one }) => one) };
}

function json(value: object | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

/** GitHub's own runner that starts the image: one of its platforms, amd64 where it may choose. */
function hostedFor({ platforms }: PrepareResult): string {
  const isAmd64 = platforms.some(({ platform }) => platform === "linux/amd64");
  return isAmd64 ? "ubuntu-24.04" : "ubuntu-24.04-arm";
}

/** As `runs-on: ${{ fromJSON(…) }}` takes them: several labels of one runner are a list. */
function runnersOf(prepare: Results["prepare"]): Readonly<Record<string, string | undefined>> {
  if (prepare === undefined) return {};
  const label = (text: string): unknown => (text.startsWith("[") ? JSON.parse(text) : text);
  const named = prepare.platforms.filter(({ runner }) => runner !== "");
  const gpu = prepare.gpu?.runner ?? "";
  return {
    runners:
      named.length === 0
        ? undefined
        : JSON.stringify(
            Object.fromEntries(named.map(({ platform, runner }) => [platform, label(runner)])),
          ),
    "gpu-runner": gpu === "" ? undefined : JSON.stringify(label(gpu)),
    "accept-runner": prepare.gpu && JSON.stringify(label(gpu || hostedFor(prepare))),
  };
}
