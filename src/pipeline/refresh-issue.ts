import { join } from "node:path";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import type { Files } from "../ports/files.ts";
import { replaceFile } from "../replace-file.ts";
import { fenced, issueText } from "../report/issue.ts";
import { makeFolder } from "../results/folder.ts";
import type { Results } from "../results/stages.ts";
import { shownFailure } from "./shown-failure.ts";

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
    failure: error === undefined ? undefined : shownFailure(error, secrets),
  });
  if (text === undefined) return "";
  await makeFolder(folder, files);
  await replaceFile(join(folder, issueFile), text, files);
  return `\n### For an issue\n\n${fenced(text)}\n`;
}
