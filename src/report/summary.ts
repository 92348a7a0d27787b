import { amount } from "../amount.ts";
import type { Results } from "../results/stages.ts";
import { attestations } from "./attestations.ts";
import { changesShort } from "./changes.ts";
import { cell, code, table } from "./markdown.ts";
import { scanSummary } from "./scan-summary.ts";

/** The job summary (GitHub-flavoured Markdown) of whatever stages ran. */
export function summary(results: Results): string {
  const parts = [
    heading(results),
    stages(results),
    layers(results),
    platforms(results),
    scanSummary(results),
    acceptance(results),
    attestations(results),
    tags(results),
    changed(results),
    pulling(results),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function heading({ prepare, assemble }: Results): string {
  if (prepare === undefined) return "## Director image";
  const lines = [
    `## Director image ${code(prepare.image)}${prepare.version === undefined ? "" : ` ${code(prepare.version)}`}`,
  ];
  if (!prepare.push) lines.push(`Nothing was pushed: ${cell(prepare.pushReason)}.`);
  if (assemble !== undefined) lines.push(`Digest: ${code(assemble.digest)}`);
  if (prepare.source.revision !== undefined) lines.push(`Commit: ${code(prepare.source.revision)}`);
  for (const note of prepare.notes ?? []) lines.push(cell(note));
  if (prepare.source.event !== undefined)
    lines.push(`The event's commit is another one: ${code(prepare.source.event)}`);
  return lines.join("\n\n");
}

function stages(results: Results): string {
  const rows = [
    results.models && [
      "models",
      `${results.models.layers.length} layers`,
      amount(results.models.bytesUploaded),
      results.models.seconds,
    ],
    ...results.build.map((build) => [
      "build",
      `${build.platforms.map(({ platform }) => platform).join(", ")}${build.cached ? " (all from the cache)" : ""}`,
      "",
      build.seconds,
    ]),
    ...results.scan.map((scan) => ["scan", scan.verdict, "", scan.seconds]),
    results.assemble && [
      "assemble",
      `${results.assemble.platforms.length} platforms`,
      amount(results.assemble.bytesUploaded),
      results.assemble.seconds,
    ],
    ...results.accept.map((accept) => ["accept", accept.verdict, "", accept.seconds]),
    gpuRow(results),
    results.promote && [
      "promote",
      `${results.promote.tags.filter(({ moved }) => moved).length} tags moved`,
      "",
      results.promote.seconds,
    ],
  ].filter((row) => row !== undefined);
  if (rows.length === 0) return "";
  return table(
    ["Stage", "Result", "Uploaded", "Time"],
    rows.map(([name, what, bytes, seconds]) =>
      [name, what, bytes, seconds === undefined ? "" : duration(Number(seconds))].map(String),
    ),
  );
}

/** Where each stage has a job of its own, and none of them had a GPU. */
function gpuRow({ prepare, accept }: Results) {
  const gpu = prepare?.gpu;
  if (gpu === undefined || gpu.runner !== "" || accept.length === 0) return undefined;
  const ran = accept.some(({ checks }) =>
    checks.some(({ name, verdict }) => name === "gpu" && verdict !== "skipped"),
  );
  return ran
    ? undefined
    : ["GPU checks", `not run: ${cell(gpu.reason ?? "no gpu-runner")}`, "", undefined];
}

function layers({ models }: Results): string {
  if (models === undefined || models.layers.length === 0) return "";
  const rows = models.layers.map(({ digest, size, state, files }) => [
    cell(names(files)),
    amount(size),
    state === "gated" ? "gated, not checked" : state,
    code(digest),
  ]);
  const gated = models.layers.filter(({ state }) => state === "gated").length;
  const left =
    gated === 0
      ? ""
      : `${gated} of them were not checked: the hub wants a token for them (gated), and this run has none.\n\n`;
  return `### Model layers\n\n${table(["Files", "Size", "State", "Digest"], rows)}\n\n${left}${amount(models.bytesUploaded)} of weights went to ${code(models.repository)}.`;
}

/** Files of a layer, where the result has them. */
function names(files: unknown): string {
  if (!Array.isArray(files)) return "";
  return files.length > 3
    ? `${files.slice(0, 2).join(", ")} and ${files.length - 2} more`
    : files.join(", ");
}

function platforms({ assemble }: Results): string {
  if (assemble === undefined) return "";
  const rows = assemble.platforms.map(({ platform, digest, runtimeDigest, size }) => [
    platform,
    amount(size),
    code(digest),
    code(runtimeDigest),
  ]);
  const absent =
    assemble.absent.length === 0
      ? ""
      : `\n\n${assemble.absent.length} model layers are not in ${code(assemble.repository)}: the weights were not published.`;
  return `### Platforms\n\n${table(["Platform", "Size", "Image", "Runtime"], rows)}${absent}`;
}

/** Each acceptance with its checks; what was not run is told first. */
function acceptance({ accept }: Results): string {
  return accept
    .map(({ platform, target, verdict, reason, checks }) => {
      const head = `### Acceptance${platform === "" ? "" : ` on ${platform}`}: ${verdict}`;
      const why = reason === undefined || verdict === "failed" ? "" : `\n\n${cell(reason)}.`;
      if (checks.length === 0) return `${head}${why}`;
      const left = checks.filter((check) => check.verdict === "skipped").map(({ name }) => name);
      const note = left.length === 0 ? "" : `\n\nNot run (${target}): ${left.join(", ")}.`;
      return `${head}${why}${note}\n\n${table(["Check", "Verdict", "Time", "Why, or what was measured"], checks.map(checkRow))}`;
    })
    .join("\n\n");
}

function checkRow({
  name,
  verdict,
  seconds,
  reason,
  measured,
}: Results["accept"][number]["checks"][number]): readonly string[] {
  const figures = Object.entries(measured ?? {})
    .filter(([, value]) => !Array.isArray(value))
    .map(([what, value]) => `${what} ${figure(what, value)}`);
  return [
    name,
    verdict === "failed" ? "**failed**" : verdict,
    seconds === undefined ? "" : duration(seconds),
    cell(reason ?? figures.join(", ")),
  ];
}

/** A measured value with its unit, which its name ends in. */
function figure(name: string, value: unknown): string {
  if (typeof value !== "number") return String(value);
  if (name.endsWith("Bytes")) return amount(value);
  return String(Math.round(value * 1000) / 1000);
}

function tags({ promote }: Results): string {
  if (promote === undefined || promote.tags.length === 0) return "";
  const rows = promote.tags.map(({ tag, moved, why }) => [
    code(tag),
    moved ? "moved" : "not moved",
    cell(why),
  ]);
  const untested =
    promote.untested === undefined
      ? ""
      : `\n\n> Published without ${promote.untested.missing.join(", ")}: ${cell(promote.untested.reason)}`;
  const left = promote.notRun ?? [];
  const without =
    left.length === 0
      ? ""
      : `\n\nAccepted without ${left.map(({ check, reason }) => `${check} (${cell(reason)})`).join(", ")}.`;
  return `### Tags\n\n${table(["Tag", "", "Why"], rows)}${without}${untested}`;
}

function changed({ promote }: Results): string {
  const changes = promote?.changes;
  return changes === undefined ? "" : `### Changes\n\n${changesShort(changes)}`;
}

function pulling({ prepare, assemble, promote }: Results): string {
  if (
    prepare === undefined ||
    assemble === undefined ||
    promote === undefined ||
    promote.changes?.changed === false ||
    prepare.target.startsWith("oci:")
  )
    return "";
  const tag = promote.tags.find(({ moved, why }) => moved || why === "already there")?.tag;
  return `### Pull\n\n\`\`\`sh\ndocker pull ${prepare.image}${tag === undefined ? "" : `:${tag}`}@${assemble.digest}\n\`\`\``;
}

function duration(seconds: number): string {
  return seconds < 100
    ? `${seconds.toFixed(1)} s`
    : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
