import { join } from "node:path";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { ending } from "../errors.ts";
import type { Files } from "../ports/files.ts";
import { replaceFile } from "../replace-file.ts";
import { fenced, issueText } from "../report/issue.ts";
import { makeFolder } from "../results/folder.ts";
import type { Results } from "../results/stages.ts";

/** What an issue can be opened with, in the results folder. */
export const issueFile = "issue.md";

interface Ended {
  readonly results: Results;
  /** What ended the run before its end. */
  readonly error: unknown;
  /** Values that may stand in no text. */
  readonly secrets: readonly string[];
}

/**
 * Where only changes are to be published (`only-changed`) and nothing was: writes the text of an issue into the results folder, and gives the
 * summary's part with it. Otherwise nothing.
 */
export async function refreshIssue(
  { results, error, secrets }: Ended,
  { promote, results: folder, stage }: Pick<Config, "promote" | "results" | "stage">,
  { github }: Pick<Environment, "github">,
  files: Pick<Files, "mkdir" | "writeFile" | "rename" | "rm">,
): Promise<string> {
  if (!promote.onlyChanged) return "";
  const text = issueText(results, {
    url:
      github?.runId === undefined
        ? undefined
        : `${github.serverUrl}/${github.repository}/actions/runs/${github.runId}`,
    stage: stage === "all" ? undefined : stage,
    failure: error === undefined ? undefined : shown(ending(error).text, secrets),
  });
  if (text === undefined) return "";
  await makeFolder(folder, files);
  await replaceFile(join(folder, issueFile), text, files);
  return `\n### For an issue\n\n${fenced(text)}\n`;
}

/**
 * A failure as it may be shown to everybody: a runner masks what it logs, and not what is in a summary. What programs printed (lines after
 * a bar) stays in the log, and known secrets are struck out, the long ones first: one may be a part of another.
 */
function shown(text: string, secrets: readonly string[]): string {
  const told = text
    .split("\n")
    .filter((line) => !/^\s*\|( |$)/.test(line))
    .join("\n");
  return secrets
    .flatMap((secret) => secret.split("\n").map((line) => line.trim()))
    .filter((part) => /\w/.test(part))
    .sort((a, b) => b.length - a.length)
    .reduce((left, part) => left.replaceAll(part, "***"), told);
}
