import { amount } from "../amount.ts";
import type { AcceptResult, Results, ScanResult } from "../results/stages.ts";
import { countsOf } from "./scan-lines.ts";

/** What a person at a terminal wants to know at the end of a run; `loaded` is the image's name in the local Docker. */
export function lines(results: Results, loaded?: string): readonly string[] {
  const { prepare, models, build, scan, assemble, accept, promote } = results;
  if (prepare === undefined || assemble === undefined) return [];
  const moved = promote?.tags.filter((tag) => tag.moved).map(({ tag }) => tag) ?? [];
  const runtime = build.reduce(
    (sum, { platforms }) => sum + platforms.reduce((bytes, { size }) => bytes + size, 0),
    0,
  );
  const digest = promote?.published ?? assemble.digest;
  const reference = `${assemble.repository}@${digest}`;
  return [
    `Image      ${reference}`,
    ...assemble.platforms.map(({ platform, size }) => `           ${platform}: ${amount(size)}`),
    ...scan.map((one) => `Scanned    ${scanned(one)}`),
    ...accept.map((one) => `Accepted   ${acceptanceLine(one)}`),
    ...(promote === undefined
      ? [`Tags       none moved: ${prepare.pushReason}`]
      : [
          `Tags       ${promote.tags.map(({ tag, moved: is, why }) => (is ? tag : `${tag} (${why})`)).join(", ") || "none"}`,
        ]),
    `Uploaded   weights ${amount(models?.bytesUploaded ?? 0)}, runtime ${amount(assemble.newRuntimeBytes)} new of ${amount(runtime)}, manifests ${amount(assemble.bytesUploaded)}`,
    `Times      ${times(results)}`,
    `Run it     ${assemble.absent.length > 0 ? `not without its weights, which are not published: ${assemble.absent.length} layers` : howToRun(assemble.repository, digest, moved[0] ?? prepare.version, loaded)}`,
  ];
}

function acceptanceLine({ platform, verdict, reason, checks }: AcceptResult): string {
  const left = checks.filter((check) => check.verdict === "skipped").map(({ name }) => name);
  const where = platform === "" ? "" : ` on ${platform}`;
  const why = reason === undefined ? "" : `: ${reason}`;
  return `${verdict}${where}${why}${left.length === 0 ? "" : `; not run: ${left.join(", ")}`}`;
}

/** What a scan came to; the findings themselves are in its result. */
/** A scan that was skipped looked at nothing, and found nothing out. */
function scanned({ verdict, reason, platforms }: ScanResult): string {
  const said = `${verdict}${reason === undefined ? "" : `: ${reason}`}`;
  if (verdict === "skipped") return said;
  return `${said}; ${countsOf(platforms.flatMap(({ findings = [] }) => findings))}`;
}

function times({ prepare, models, build, scan, assemble, accept, promote }: Results): string {
  const stages: readonly (readonly [string, number | undefined])[] = [
    ["prepare", prepare?.seconds],
    ["models", models?.seconds],
    ...build.map(({ seconds }) => ["build", seconds] as const),
    ...scan.map(({ seconds }) => ["scan", seconds] as const),
    ["assemble", assemble?.seconds],
    ...accept.map(({ seconds }) => ["accept", seconds] as const),
    ["promote", promote?.seconds],
  ];
  return stages
    .flatMap(([name, seconds]) =>
      seconds === undefined ? [] : [`${name} ${seconds.toFixed(1)} s`],
    )
    .join(", ");
}

function howToRun(
  repository: string,
  digest: string,
  tag: string | undefined,
  loaded: string | undefined,
): string {
  const ports = "-p 9000:9000/udp -p 9000:9000/tcp -p 9100:9100 -p 50051:50051";
  const gpu = "(with a GPU: add --gpus all)";
  if (loaded !== undefined) return `docker run --rm ${ports} ${loaded}  ${gpu}`;
  if (repository.startsWith("oci:"))
    return `copy it first, such as: skopeo copy --preserve-digests ${repository}${tag === undefined ? "" : `:${tag}`} docker://REGISTRY/director`;
  return `docker run --rm ${ports} ${repository}${tag === undefined ? "" : `:${tag}`}@${digest}  ${gpu}`;
}
