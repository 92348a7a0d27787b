import type { Results } from "../results/stages.ts";
import { changesShort } from "./changes.ts";
import { cell, code } from "./markdown.ts";

export interface RefreshRun {
  /** Where it can be looked at; undefined outside a workflow. */
  readonly url: string | undefined;
  /** The stage that ran alone; undefined where all of them did. */
  readonly stage: string | undefined;
  /** What stopped it; undefined where it came to its end. */
  readonly failure: string | undefined;
}

/**
 * A refresh that published nothing, as an issue can be opened with it: a title line, what was tried, what was seen, and what to do next.
 * Undefined where there is nothing to tell: it published. Pure.
 */
export function issueText(results: Results, run: RefreshRun): string | undefined {
  const { prepare, promote } = results;
  const changes = promote?.changes;
  if (run.failure === undefined && changes?.changed !== false) return undefined;
  const image = prepare?.image ?? "the image";
  const month = prepare?.source.refresh === undefined ? "" : ` ${prepare.source.refresh}`;
  const title =
    run.failure === undefined
      ? `Refresh${month} of ${image}: nothing changed`
      : `Refresh${month} of ${image} failed`;
  const parts = [
    `# ${cell(title)}`,
    `**Tried**: ${tried(results)}${run.url === undefined ? "" : ` ([the run](${run.url}))`}.`,
    `**Seen**: ${seen(results, run)}`,
    ...(changes === undefined || !changes.changed ? [] : [changesShort(changes)]),
    `**Next**: ${next(results, run)}`,
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Fenced, so that it is copied as it is. Pure. */
export function fenced(text: string, language = "markdown"): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text.trimEnd()}\n${fence}`;
}

function tried({ prepare }: Results): string {
  if (prepare === undefined) return "to plan a rebuild";
  const commit = prepare.source.revision;
  const of = commit === undefined ? "" : ` of commit ${code(commit)}`;
  const tags = prepare.tags.length === 0 ? "" : `, for ${prepare.tags.map(code).join(", ")}`;
  return `a rebuild${of} with newly resolved bases and renewed packages${tags}`;
}

function seen(results: Results, { failure, stage }: RefreshRun): string {
  if (failure !== undefined)
    return `it stopped ${stage === undefined ? `after ${done(results)}` : `in the stage ${stage}`}.\n\n${quoted(failure)}`;
  const { scan, promote } = results;
  const database = scan.find((one) => one.database !== undefined)?.database?.updatedAt;
  const known = database === undefined ? "" : ` (vulnerabilities as of ${cell(database)})`;
  const moved = (promote?.tags ?? []).filter((tag) => tag.moved).map(({ tag }) => code(tag));
  const tags =
    moved.length === 0 ? "no tag was moved" : `to what is published went ${moved.join(", ")}`;
  return `${cell(promote?.changes?.why ?? "nothing changed")}${known}; ${tags}.`;
}

/** The stages that were done: two of them run side by side, so that the first one missing need not be the one that failed. */
function done({ prepare, models, build, scan, assemble, accept, promote }: Results): string {
  const passed = (judged: Results["scan"] | Results["accept"]) =>
    judged.length > 0 && judged.every(({ verdict }) => verdict !== "failed");
  const stages: readonly (readonly [string, boolean])[] = [
    ["prepare", prepare !== undefined],
    ["models", models !== undefined],
    ["build", build.length > 0],
    ["scan", passed(scan)],
    ["assemble", assemble !== undefined],
    ["accept", passed(accept)],
    ["promote", promote !== undefined],
  ];
  const names = stages.filter(([, is]) => is).map(([name]) => name);
  return names.length === 0 ? "it had begun" : names.join(", ");
}

function quoted(failure: string): string {
  return failure
    .trimEnd()
    .split("\n")
    .map((line) => `> ${line.replaceAll("<", "&lt;")}`)
    .join("\n");
}

function next(results: Results, { failure }: RefreshRun): string {
  if (failure === undefined)
    return "nothing is to be done; the next refresh looks again. Close this where nothing was expected.";
  const failed = results.scan.find(({ verdict }) => verdict === "failed");
  if (failed !== undefined)
    return "look at the findings (scan.json, the SARIF file): update what has a fixed version, or accept the risk for a time (`scan-policy`). Then run the refresh again.";
  return "do what the message above says, and run the refresh again. Until then, operators have the image from before.";
}
